"""Many clerks at once with deductions on real PostgreSQL: no more is disputed than is due, nothing is decided twice."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from models.db.engine import transaction
from models.ids import new_id
from operations.cash.deduction_watch import look
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk, deduction
from tests.races.test_concurrent_cash import THREADS, at_once, codes, desk

__all__ = ["desk"]


def row(database_url: str, table: str, record: str) -> dict[str, Any]:
    with opened(database_url) as c:
        found = c.execute(f"SELECT * FROM {table} WHERE id = %s", (record,)).fetchone()
    assert found is not None
    return dict(found)


def test_32_clerks_dispute_no_more_than_is_due(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 10_000)).body["id"]
    jobs: list[Callable[[], Any]] = []
    for n in range(THREADS):
        if n % 2:
            jobs.append(lambda: desk.run(desk.deduct(invoice, 600, key=new_id("key"))))
            continue
        payment = desk.run(desk.payment(customer, 700)).body["id"]
        line, said = [{"invoice_id": invoice, "applied_minor": 700}], [deduction(invoice, 300)]
        asked = desk.apply(payment, line, deductions=said, overpayment="unapplied", key=new_id("key"))
        jobs.append(partial(desk.run, asked))
    assert set(codes(at_once(jobs))) <= {"ok", "APPLIED_EXCEEDS_BALANCE", "INVOICE_NOT_OPEN"}
    i = row(database_url, "invoices", invoice)
    assert i["balance_due_minor"] >= 0
    assert wrong(database_url, desk.org) == []


@pytest.mark.parametrize("decisions", [["accept"], ["accept", "reject"]])
def test_one_deduction_is_decided_once(desk: Desk, database_url: str, decisions: list[str]) -> None:
    invoice = desk.run(desk.invoice(desk.customer(), 10_000)).body["id"]
    d = desk.run(desk.deduct(invoice, 3_000)).body["id"]
    said = (decisions * THREADS)[:THREADS]
    jobs = [lambda how=how: desk.run(desk.decide(d, how, key=new_id("key"))) for how in said]
    assert codes(at_once(jobs)) == {"ok": 1, "DEDUCTION_CLOSED": THREADS - 1}
    left = row(database_url, "invoices", invoice)
    accepted = row(database_url, "deductions", d)["status"] == "ACCEPTED"
    assert (left["balance_due_minor"], left["deducted_minor"]) == (7_000 if accepted else 10_000, 0)
    assert wrong(database_url, desk.org) == []


def test_the_same_decision_sent_32_times_is_one(desk: Desk, database_url: str) -> None:
    invoice = desk.run(desk.invoice(desk.customer(), 10_000)).body["id"]
    d, key = desk.run(desk.deduct(invoice, 3_000)).body["id"], new_id("key")
    results = at_once([lambda: desk.run(desk.decide(d, "accept", key=key))] * THREADS)
    assert len({r.body["credit_note"]["id"] for r in results}) == 1
    assert sum(not r.replayed for r in results) == 1
    assert wrong(database_url, desk.org) == []


@pytest.mark.parametrize("seed", range(2))
def test_everything_at_once_leaves_the_books_right(desk: Desk, database_url: str, seed: int) -> None:
    """Stated, decided, paid, undone, written off by notes, looked at by their processes: in both orders of ids."""
    rng = random.Random(seed)
    customer = desk.customer()
    invoices = [desk.run(desk.invoice(customer, 700)).body["id"] for _ in range(6)]
    payments = [desk.run(desk.payment(customer, 900)).body["id"] for _ in range(6)]
    notes = [desk.run(desk.credit_note(customer, 500)).body["id"] for _ in range(3)]
    found = [desk.run(desk.deduct(rng.choice(invoices), 60)).body["id"] for _ in range(8)]
    lines = [
        desk.run(desk.apply(p, [{"invoice_id": i, "applied_minor": 50}], overpayment="unapplied",
                            deductions=[deduction(i, 40)])).body["applications"][0]["id"]
        for p, i in zip(payments, invoices, strict=True)
    ]  # fmt: skip

    def pay_short() -> Any:
        one, other = rng.sample(invoices, 2)
        paid = [{"invoice_id": one, "applied_minor": rng.randint(1, 600)}]
        said = [deduction(other, rng.randint(1, 80))]
        p = rng.choice(payments)
        return desk.run(desk.apply(p, paid, deductions=said, overpayment="unapplied", key=new_id("key")))

    def settle() -> Any:
        return desk.run(
            desk.settle(rng.choice(notes), [(rng.choice(invoices), rng.randint(1, 300))], key=new_id("key"))
        )

    def watch() -> Any:
        with transaction(desk.engine, desk.org) as tx:
            return look(tx, rng.choice(found))

    jobs: list[Callable[[], Any]] = [pay_short] * 10 + [settle] * 4 + [watch] * 4
    jobs += [lambda: desk.run(desk.decide(rng.choice(found), rng.choice(("accept", "reject")), key=new_id("key")))] * 8
    jobs += [lambda: desk.run(desk.unapply(rng.choice(lines), key=new_id("key")))] * 4
    jobs += [lambda: desk.run(desk.reverse(rng.choice(payments), key=new_id("key")))] * 2
    rng.shuffle(jobs)
    results = codes(at_once(jobs))
    assert set(results) <= {
        "ok", "APPLIED_EXCEEDS_PAYMENT", "APPLIED_EXCEEDS_BALANCE", "APPLIED_EXCEEDS_CREDIT", "PAYMENT_REVERSED",
        "APPLICATION_UNAPPLIED", "DEDUCTION_CLOSED", "INVOICE_NOT_OPEN",
    }  # fmt: skip
    assert results["ok"] >= 5
    assert wrong(database_url, desk.org) == []
