"""Many clerks at once on real PostgreSQL: nothing is over-applied, no deadlock surfaces, the books are right."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from models.db.engine import make_engine
from models.errors import Refusal
from models.ids import new_id
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk, credit_line, new_organisation

THREADS = 32


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url, pool_size=THREADS + 2)
    yield Desk(engine, new_organisation(database_url))
    engine.dispose()


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all jobs at the same moment; their results, or the code of their refusal. Anything else is raised."""
    start = Barrier(len(jobs))

    def one(job: Callable[[], Any]) -> Any:
        start.wait(120)
        try:
            return job()
        except Refusal as r:
            return r.code

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(one, jobs))


def codes(results: list[Any]) -> Counter[str]:
    return Counter(r if isinstance(r, str) else "ok" for r in results)


def test_one_payment_applied_by_32_clerks_to_32_invoices_is_spent_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payment = desk.run(desk.payment(customer, 1000)).body["id"]
    invoices = [desk.run(desk.invoice(customer, 400)).body["id"] for _ in range(THREADS)]
    jobs = [
        lambda i=i: desk.run(
            desk.apply(payment, [{"invoice_id": i, "applied_minor": 300}], key=new_id("key"), overpayment="unapplied")
        )
        for i in invoices
    ]
    assert codes(at_once(jobs)) == {"ok": 3, "APPLIED_EXCEEDS_PAYMENT": 29}
    assert wrong(database_url, desk.org) == []


def test_the_same_request_from_32_connections_is_one_application(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 9600)).body["id"]
    line = [{"invoice_id": invoice, "applied_minor": 100}]
    for how in ({"key": new_id("key")}, {}, {"external_id": new_id("ext")}):
        payment = desk.run(desk.payment(customer, 3200)).body["id"]
        results = at_once([desk.later(desk.apply, payment, line, **how)] * THREADS)
        assert len({r.body["session_id"] for r in results}) == 1, how
        assert sum(not r.replayed for r in results) == 1, how
    assert wrong(database_url, desk.org) == []


def test_32_clerks_with_adjustments_on_one_invoice_never_settle_more_than_it_owes(
    desk: Desk, database_url: str
) -> None:
    """Each would settle 300 of 1,000: three can. Then all that stands is undone 32 times at once, and again once each."""
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 1000)).body["id"]
    payments = [desk.run(desk.payment(customer, 250)).body["id"] for _ in range(THREADS)]
    fees = [{"kind": "bank_fee", "amount_minor": 40, "reason_code": "FEE"},
            {"kind": "write_off", "amount_minor": 10, "reason_code": "SMALL"}]  # fmt: skip
    line = [{"invoice_id": invoice, "applied_minor": 250, "adjustments": fees}]
    results = at_once([desk.later(desk.apply, p, line, key=new_id("key")) for p in payments])
    told = codes(results)
    assert told["ok"] == 3
    assert set(told) <= {"ok", "APPLIED_EXCEEDS_BALANCE", "OVERPAYMENT_REQUIRES_CREDIT"}
    assert wrong(database_url, desk.org) == []
    done = [r.body for r in results if not isinstance(r, str)]
    jobs = [
        lambda a=a: desk.run(desk.undo_adjustment(a["id"], key=new_id("key"))) for s in done for a in s["adjustments"]
    ]
    jobs += [lambda s=s: desk.run(desk.unapply(s["applications"][0]["id"], key=new_id("key"))) for s in done] * 8
    told = codes(at_once(jobs))
    assert set(told) <= {"ok", "ADJUSTMENT_UNDONE", "APPLICATION_UNAPPLIED"}
    with opened(database_url) as c:
        row = c.execute("SELECT status, balance_due_minor FROM invoices WHERE id = %s", (invoice,)).fetchone()
    assert row == {"status": "OPEN", "balance_due_minor": 1000}
    assert wrong(database_url, desk.org) == []


def test_one_external_id_recorded_32_times_at_once_is_one_payment(desk: Desk, database_url: str) -> None:
    customer, external_id = desk.customer(), new_id("ext")
    results = at_once([lambda: desk.run(desk.payment(customer, 700, external_id=external_id))] * THREADS)
    assert len({r.body["id"] for r in results}) == 1
    assert sum(not r.replayed for r in results) == 1
    results = at_once([lambda: desk.run(desk.invoice(customer, 700, external_id=external_id))] * THREADS)
    assert len({r.body["id"] for r in results}) == 1
    assert wrong(database_url, desk.org) == []


def test_one_call_sent_32_times_at_once_is_one_payment_applied_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 9600)).body["id"]
    session = desk.session([{"invoice_id": invoice, "applied_minor": 700}])
    for how in ({"key": new_id("key")}, {}):
        same = {"external_id": new_id("ext"), "apply": session, **how}
        results = at_once([desk.later(desk.payment, customer, 700, **same)] * THREADS)
        assert len({r.body["session"]["session_id"] for r in results}) == 1, how
        assert sum(not r.replayed for r in results) == 1, how
    with opened(database_url) as c:
        row = c.execute("SELECT balance_due_minor FROM invoices WHERE id = %s", (invoice,)).fetchone()
    assert row == {"balance_due_minor": 9600 - 2 * 700}
    assert wrong(database_url, desk.org) == []


def test_a_known_payment_sent_32_times_with_its_session_is_applied_once(desk: Desk, database_url: str) -> None:
    """Half of them by apply itself."""
    customer, external_id = desk.customer(), new_id("ext")
    invoice = desk.run(desk.invoice(customer, 700)).body["id"]
    line = [{"invoice_id": invoice, "applied_minor": 700}]
    payment = desk.run(desk.payment(customer, 700, external_id=external_id)).body["id"]
    known = {"external_id": external_id, "apply": desk.session(line)}
    jobs: list[Callable[[], Any]] = [
        lambda: desk.run(desk.payment(customer, 700, **known)).body["session"]["session_id"]
    ] * 16
    jobs += [lambda: desk.run(desk.apply(payment, line)).body["session_id"]] * 16
    assert len(set(at_once(jobs))) == 1
    assert wrong(database_url, desk.org) == []


def test_32_receipts_for_one_invoice_in_one_call_each_pay_it_once(desk: Desk, database_url: str) -> None:
    """Those that come too late are refused whole, or kept unapplied where they said so."""
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 1000)).body["id"]
    session = desk.session([{"invoice_id": invoice, "applied_minor": 300}])
    jobs = [
        lambda word=word: desk.run(desk.payment(customer, 300, apply=session, on_refusal=word, key=new_id("key")))
        for word in ("refuse", "record") * (THREADS // 2)
    ]
    results = at_once(jobs)
    done = [r.body for r in results if not isinstance(r, str)]
    assert sum(b["session"] is not None for b in done) == 3
    assert {b["refusal"]["code"] for b in done if b["refusal"]} == {"OVERPAYMENT_REQUIRES_CREDIT"}
    assert set(codes(results)) == {"ok", "OVERPAYMENT_REQUIRES_CREDIT"}
    with opened(database_url) as c:
        kept = c.execute("SELECT count(*) AS n FROM payments WHERE customer_id = %s", (customer,)).fetchone()
    assert kept == {"n": len(done)}
    assert wrong(database_url, desk.org) == []


def test_32_payments_onto_one_invoice_pay_it_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    invoice = desk.run(desk.invoice(customer, 1000)).body["id"]
    payments = [desk.run(desk.payment(customer, 300)).body["id"] for _ in range(THREADS)]
    jobs = [
        lambda p=p: desk.run(desk.apply(p, [{"invoice_id": invoice, "applied_minor": 300}], key=new_id("key")))
        for p in payments
    ]
    found = codes(at_once(jobs))
    assert found["ok"] == 3
    assert set(found) <= {"ok", "APPLIED_EXCEEDS_BALANCE", "OVERPAYMENT_REQUIRES_CREDIT"}
    with opened(database_url) as c:
        row = c.execute("SELECT balance_due_minor, status FROM invoices WHERE id = %s", (invoice,)).fetchone()
    assert row == {"balance_due_minor": 100, "status": "PARTIALLY_PAID"}
    assert wrong(database_url, desk.org) == []


def test_one_credit_spent_by_32_clerks_is_spent_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payment = desk.run(desk.payment(customer, 1000)).body["id"]
    credit = desk.run(desk.apply(payment, [], overpayment="customer_credit")).body["credit_id"]
    invoices = [desk.run(desk.invoice(customer, 400)).body["id"] for _ in range(THREADS)]
    jobs = [
        lambda i=i: desk.run(
            desk.apply(credit, [{"invoice_id": i, "applied_minor": 300}], key=new_id("key"), credit=True)
        )
        for i in invoices
    ]
    assert codes(at_once(jobs)) == {"ok": 3, "APPLIED_EXCEEDS_PAYMENT": 29}
    assert wrong(database_url, desk.org) == []


def test_one_payment_reversed_by_32_clerks_is_reversed_once(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payment = desk.run(desk.payment(customer, 500)).body["id"]
    invoice = desk.run(desk.invoice(customer, 500)).body["id"]
    application = desk.run(desk.apply(payment, [{"invoice_id": invoice, "applied_minor": 500}])).body["applications"][0]
    jobs: list[Callable[[], Any]] = [lambda: desk.run(desk.reverse(payment, key=new_id("key")))] * 16
    jobs += [lambda: desk.run(desk.unapply(application["id"], key=new_id("key")))] * 16
    found = codes(at_once(jobs))
    assert found["ok"] + found["PAYMENT_REVERSED"] + found["APPLICATION_UNAPPLIED"] == 32
    assert found["ok"] in (1, 2)  # the reversal, and perhaps one unapplication before it
    assert wrong(database_url, desk.org) == []


def test_a_payment_drafted_into_many_reconciliations_is_completed_in_one(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payment = desk.run(desk.payment(customer, 500)).body["id"]
    invoice = desk.run(desk.invoice(customer, 500)).body["id"]
    desk.run(desk.apply(payment, [{"invoice_id": invoice, "applied_minor": 500}]))  # posted: completing changes no row
    recons = [desk.run(desk.draft_reconciliation([payment])).body["id"] for _ in range(8)]
    jobs = [desk.later(desk.complete, r, key=new_id("key")) for r in recons]
    assert codes(at_once(jobs)) == {"ok": 1, "RECONCILIATION_COMPLETE": 7}
    assert wrong(database_url, desk.org) == []


@pytest.mark.parametrize("seed", range(3))
def test_everything_at_once_leaves_the_books_right(desk: Desk, database_url: str, seed: int) -> None:
    """Applications in both directions of id order, undone, reversed, reconciled, posted from a statement, months closing."""
    rng = random.Random(seed)
    customer = desk.customer()
    payments = [desk.run(desk.payment(customer, 1000)).body["id"] for _ in range(10)]
    issued = [desk.run(desk.invoice(customer, 700)).body for _ in range(10)]
    invoices = [i["id"] for i in issued]
    applied = [
        desk.run(desk.apply(p, [{"invoice_id": i, "applied_minor": 150}], overpayment="unapplied")).body[
            "applications"
        ][0]
        for p, i in zip(payments, invoices, strict=True)
    ]
    recon = desk.run(desk.draft_reconciliation(payments[:5])).body["id"]
    lines = [credit_line(120 + n, f"invoice {i['external_id']}", nth=n) for n, i in enumerate(issued)]
    statement = desk.statement(lines)

    def apply() -> Any:
        chosen = rng.sample(invoices, 4)
        return desk.run(
            desk.apply(
                rng.choice(payments), [{"invoice_id": i, "applied_minor": rng.randint(1, 120)} for i in chosen],
                key=new_id("key"), overpayment=rng.choice(("unapplied", "unapplied", "customer_credit")),
            )
        )  # fmt: skip

    jobs: list[Callable[[], Any]] = [apply] * 14
    jobs += [lambda: desk.run(desk.unapply(rng.choice(applied)["id"], key=new_id("key")))] * 5
    jobs += [lambda: desk.run(desk.reverse(rng.choice(payments), key=new_id("key")))] * 4
    jobs += [lambda: desk.run(desk.complete(recon, key=new_id("key")))] * 2
    jobs += [lambda: desk.run(desk.reopen(recon))]
    jobs += [lambda: desk.run(desk.period("2025-03", "close")), lambda: desk.run(desk.period("2025-03", "reopen"))]
    jobs += [lambda: desk.work_off(statement)] * 2
    jobs += [lambda: desk.run(desk.void(rng.choice(invoices)))] * 2
    rng.shuffle(jobs)
    results = codes(at_once(jobs))
    desk.work_off(statement)
    allowed = {
        "ok", "APPLIED_EXCEEDS_PAYMENT", "APPLIED_EXCEEDS_BALANCE", "PAYMENT_REVERSED", "APPLICATION_UNAPPLIED",
        "RECONCILIATION_COMPLETE", "RECONCILIATION_NOT_COMPLETE", "PERIOD_OPEN", "INVOICE_HAS_APPLICATIONS",
        "INVOICE_VOID", "UNAVAILABLE", "OVERPAYMENT_REQUIRES_CREDIT",
    }  # fmt: skip
    assert set(results) <= allowed
    assert results["ok"] >= 5
    assert wrong(database_url, desk.org) == []


def test_nothing_is_posted_into_a_month_after_it_closed(desk: Desk, database_url: str) -> None:
    customer = desk.customer()
    payments = [desk.run(desk.payment(customer, 100)).body["id"] for _ in range(THREADS - 1)]
    invoice = desk.run(desk.invoice(customer, 100 * THREADS)).body["id"]

    def close() -> set[str]:
        """The entries of the month as it closed."""
        desk.run(desk.period("2025-03", "close"))
        return entries()

    def entries() -> set[str]:
        with opened(database_url) as c:
            sql = (
                "SELECT id FROM journal_entries WHERE org_id = %s AND entry_date BETWEEN '2025-03-01' AND '2025-03-31'"
            )
            return {r["id"] for r in c.execute(sql, (desk.org,))}

    jobs: list[Callable[[], Any]] = [
        desk.later(desk.apply, p, [{"invoice_id": invoice, "applied_minor": 100}], key=new_id("key")) for p in payments
    ]
    jobs.insert(THREADS // 2, close)
    results = at_once(jobs)
    assert entries() == results[THREADS // 2]
    assert codes([r for n, r in enumerate(results) if n != THREADS // 2]) == {"ok": THREADS - 1}
    assert wrong(database_url, desk.org) == []
