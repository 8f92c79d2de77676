"""Many clerks at once with credit notes on real PostgreSQL: nothing is taken back twice, no deadlock surfaces."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from models.ids import new_id
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk
from tests.races.test_concurrent_cash import THREADS, at_once, codes, desk

__all__ = ["desk"]


def balance_of(database_url: str, invoice: str) -> int:
    with opened(database_url) as c:
        row = c.execute("SELECT balance_due_minor FROM invoices WHERE id = %s", (invoice,)).fetchone()
    assert row is not None
    return int(row["balance_due_minor"])


def test_32_clerks_with_credit_notes_and_payments_on_one_invoice_settle_it_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 10_000)).body["id"]
    jobs: list[Callable[[], Any]] = []
    for n in range(THREADS):
        note = desk.run(desk.credit_note(customer, 300)).body["id"]
        if n % 2:
            jobs.append(desk.later(desk.settle, note, [(invoice, 300)], key=new_id("key")))
            continue
        payment = desk.run(desk.payment(customer, 700)).body["id"]
        netted = [{"credit_note_id": note, "invoice_id": invoice, "applied_minor": 300}]
        line = [{"invoice_id": invoice, "applied_minor": 700}]
        jobs.append(
            desk.later(desk.apply, payment, line, credit_notes=netted, overpayment="unapplied", key=new_id("key"))
        )
    found = codes(at_once(jobs))
    assert set(found) <= {"ok", "APPLIED_EXCEEDS_BALANCE"}
    left = balance_of(database_url, invoice)
    assert 0 <= left < 700
    assert wrong(database_url, desk.org) == []


def test_one_note_applied_by_32_clerks_is_used_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    note = desk.run(desk.credit_note(customer, 1000)).body["id"]
    invoices = [desk.run(desk.invoice(customer, 400)).body["id"] for _ in range(THREADS)]
    jobs = [desk.later(desk.settle, note, [(i, 300)], key=new_id("key")) for i in invoices]
    assert codes(at_once(jobs)) == {"ok": 3, "APPLIED_EXCEEDS_CREDIT": 29}
    assert wrong(database_url, desk.org) == []


def test_the_same_note_and_the_same_application_sent_32_times_are_one(desk: Desk, database_url: str) -> None:
    customer, external_id = desk.customer(), new_id("ext")
    invoice = desk.run(desk.invoice(customer, 9_600)).body["id"]
    made = at_once([lambda: desk.run(desk.credit_note(customer, 900, external_id=external_id))] * THREADS)
    (note,) = {r.body["id"] for r in made}
    assert sum(not r.replayed for r in made) == 1
    for how in ({"key": new_id("key")}, {}, {"external_id": new_id("ext")}):
        results = at_once([desk.later(desk.settle, note, [(invoice, 300)], **how)] * THREADS)
        assert len({r.body["applications"][0]["id"] for r in results}) == 1, how
        if how:
            continue
        desk.run(desk.unsettle(results[0].body["applications"][0]["id"]))
    assert wrong(database_url, desk.org) == []


@pytest.mark.parametrize("seed", range(2))
def test_everything_at_once_leaves_the_books_right(desk: Desk, database_url: str, seed: int) -> None:
    """Notes alone and in sessions, undone, voided, payments reversed: in both directions of the order of ids."""
    rng = random.Random(seed)
    customer = desk.customer()
    invoices = [desk.run(desk.invoice(customer, 700)).body["id"] for _ in range(6)]
    notes = [desk.run(desk.credit_note(customer, 500)).body["id"] for _ in range(6)]
    payments = [desk.run(desk.payment(customer, 900)).body["id"] for _ in range(6)]
    lines = [
        desk.run(desk.settle(n, [(i, 50)])).body["applications"][0]["id"] for n, i in zip(notes, invoices, strict=True)
    ]

    def session() -> Any:
        chosen = rng.sample(invoices, 2)
        netted = [
            {"credit_note_id": n, "invoice_id": i, "applied_minor": rng.randint(1, 60)}
            for n, i in zip(rng.sample(notes, 2), rng.sample(invoices, 2), strict=True)
        ]
        paid = [{"invoice_id": i, "applied_minor": rng.randint(1, 80)} for i in chosen]
        return desk.run(
            desk.apply(rng.choice(payments), paid, credit_notes=netted, overpayment="unapplied", key=new_id("key"))
        )

    def settle() -> Any:
        chosen = [(i, rng.randint(1, 60)) for i in rng.sample(invoices, 3)]
        return desk.run(desk.settle(rng.choice(notes), chosen, key=new_id("key")))

    jobs: list[Callable[[], Any]] = [session] * 12 + [settle] * 8
    jobs += [lambda: desk.run(desk.unsettle(rng.choice(lines), key=new_id("key")))] * 5
    jobs += [lambda: desk.run(desk.reverse(rng.choice(payments), key=new_id("key")))] * 4
    jobs += [lambda: desk.run(desk.void_note(rng.choice(notes), key=new_id("key")))] * 3
    rng.shuffle(jobs)
    results = codes(at_once(jobs))
    assert set(results) <= {
        "ok", "APPLIED_EXCEEDS_PAYMENT", "APPLIED_EXCEEDS_BALANCE", "APPLIED_EXCEEDS_CREDIT", "PAYMENT_REVERSED",
        "APPLICATION_UNAPPLIED", "CREDIT_NOTE_HAS_APPLICATIONS", "CREDIT_NOTE_NOT_OPEN",
    }  # fmt: skip
    assert results["ok"] >= 5
    assert wrong(database_url, desk.org) == []
