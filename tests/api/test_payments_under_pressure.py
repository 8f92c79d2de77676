"""Races and slowness: many hands on one record, a database that makes a write wait, the events that come of it all."""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial

import httpx2
import psycopg

from models.cash.statements import Statement, StatementLine
from statement_readers.write_camt import write_camt
from tests.api.office import Office, code, csv_statement, day, ext, ok
from tests.catalogue import assert_as_catalogued


def at_once(work: Sequence[Callable[..., httpx2.Response]]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(len(work)) as pool:
        return [f.result() for f in [pool.submit(w) for w in work]]


def test_a_slow_write_is_accepted_and_can_be_asked_after(office: Office, customer: str, database_url: str):
    i, p, key = office.invoice(customer, 500), office.payment(customer, 500), ext("key")
    with psycopg.connect(database_url) as blocker:
        blocker.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (p["id"],))
        with office.stack.client(office.org, "u_clerk", "ar_clerk", patient=False) as impatient:
            r = office.apply(p, [(i, 500)], key=key, who=impatient)
        assert r.status_code == 202
        where = r.headers["Location"]
        assert where.startswith("/v1/operations/")
        workflow_id = r.headers["X-Workflow-Id"]
        assert r.json() == {"status": "running", "id": p["id"], "workflow_id": workflow_id, "operation": where}
        assert ok(office.clerk.get(where))["status"] == "running"
        blocker.rollback()
    deadline = time.monotonic() + 120
    while (found := ok(office.clerk.get(where)))["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (found["status"], found["http_status"], found["result"]["status"]) == ("completed", 200, "FULLY_APPLIED")
    again = office.apply(p, [(i, 500)], key=key)
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (found["result"], "true")
    assert office.booked(p["id"]) == {"cash": 500, "accounts_receivable": -500}


def test_one_key_and_two_bodies_at_once(office: Office, customer: str):
    i, p, key = office.invoice(customer, 500), office.payment(customer, 500), ext("key")
    answers = at_once([lambda n=n: office.apply(p, [(i, n)], key=key) for n in (100, 200, 100, 200)])
    assert sorted(r.status_code for r in answers) == [200, 200, 409, 409]
    assert {code(r) for r in answers if r.status_code == 409} == {(409, "IDEMPOTENCY_KEY_CONFLICT")}
    assert len(office.get(p["id"])["applications"]) == 1


def test_many_undo_at_once(office: Office, customer: str):
    i, p = office.invoice(customer, 500), office.payment(customer, 500)
    x = ok(office.apply(p, [(i, 500)]))["applications"][0]
    answers = at_once([lambda: office.unapply(x)] * 6)
    assert sorted(r.status_code for r in answers) == [200] + [409] * 5
    answers = at_once([lambda: office.reverse(p)] * 6)
    assert sorted(r.status_code for r in answers) == [200] + [409] * 5
    assert {code(r) for r in answers if r.status_code == 409} == {(409, "PAYMENT_REVERSED")}
    assert office.booked(p["id"]) == {}
    assert office.get(i["id"])["balance_due_minor"] == 500


def test_one_credit_spent_by_many(office: Office, customer: str):
    p = office.payment(customer, 500)
    credit = ok(office.apply(p, [], overpayment="customer_credit"))["credit_id"]
    invoices = [office.invoice(customer, 100) for _ in range(8)]
    answers = at_once([lambda i=i: office.apply(credit, [(i, 100)]) for i in invoices])
    assert sorted(r.status_code for r in answers) == [200] * 5 + [422] * 3
    assert (office.get(credit)["remaining_minor"], office.get(p["id"])["status"]) == (0, "FULLY_APPLIED")


def test_reversal_against_reconciliation(office: Office, customer: str):
    for _ in range(3):
        p = office.payment(customer, 500)
        body = {"through_date": day(0), "payment_ids": [p["id"]]}
        draft = ok(office.clerk.post("/v1/bank-accounts/bank_us/reconciliations", json=body), 201)
        done, undone = at_once(
            [
                lambda d=draft: office.clerk.post(f"/v1/reconciliations/{d['id']}/complete"),
                lambda p=p: office.reverse(p),
            ]
        )
        assert {done.status_code, undone.status_code} == {200, 409}


def test_one_file_uploaded_by_many_is_one_statement(office: Office):
    content = csv_statement(*((day(4), "1.00", "USD", "x", "", ext()) for _ in range(5)))
    answers = at_once([lambda: office.upload(content)] * 5)
    assert {r.status_code for r in answers} == {202}, [r.text for r in answers]
    (statement_id,) = {r.json()["id"] for r in answers}
    assert office.finished(statement_id)["recorded"] == 5


def test_months_closed_at_once(office: Office):
    months = [f"2008-{n:02d}" for n in range(1, 6)]
    answers = at_once([lambda m=m: office.controller.post(f"/v1/periods/{m}/close") for m in months])
    assert {r.status_code for r in answers} == {200}, [r.text for r in answers]


def test_postings_while_a_month_closes(office: Office, customer: str):
    i = office.invoice(customer, 10_000, issue_date="2007-05-01", due_date="2007-05-31")
    made = [office.payment(customer, 10, payment_date="2007-05-10") for _ in range(12)]
    work: list[Callable[[], httpx2.Response]] = [partial(office.apply, p, [(i, 10)]) for p in made]
    work.insert(6, lambda: office.controller.post("/v1/periods/2007-05/close"))
    answers = at_once(work)
    assert {r.status_code for r in answers} == {200}, [r.text for r in answers]
    for p in made:
        assert office.booked(p["id"]) == {"cash": 10, "accounts_receivable": -10}


def test_a_large_session(office: Office, customer: str):
    lines = [
        {"customer_id": customer, "external_id": ext(), "issue_date": day(60), "currency_code": "USD", "total_minor": 3}
        for _ in range(500)
    ]
    made = ok(office.clerk.post("/v1/invoices:batch", json={"invoices": lines}))["items"]
    p = office.payment(customer, 1500)
    s = ok(office.apply(p, [(x["invoice"], 3) for x in made]))
    assert (s["applied_count"], s["status"], s["outstanding_balances"]) == (500, "FULLY_APPLIED", [])
    assert ok(office.reverse(p))["status"] == "REVERSED"


def test_uploads_over_fifty_megabytes(office: Office):
    assert code(office.upload(b"x" * (50 * 1024 * 1024 + 1))) == (413, "PAYLOAD_TOO_LARGE")


def test_what_happened_is_told_as_events(office: Office, customer: str):
    i, p = office.invoice(customer, 100), office.payment(customer, 500)
    s = ok(office.apply(p, [(i, 60)], overpayment="customer_credit"))
    x = ok(office.apply(s["credit_id"], [(i, 40)]))["applications"][0]
    ok(office.unapply(x))
    ok(office.reverse(p))
    refused = office.reverse(p)
    assert refused.status_code == 409
    deadline = time.monotonic() + 120
    types: list[str] = []
    while "ar.payment.reversed" not in types:
        assert time.monotonic() < deadline, types
        time.sleep(0.2)
        events, cursor = [], None
        while True:
            page = ok(office.controller.get("/v1/events", params={"limit": 200, "cursor": cursor}))
            events += page["items"]
            if not page["items"] or (cursor := page["next_cursor"]) is None:
                break
        types = [e["type"] for e in events if e["subject"] == p["id"]]
    assert types == [
        "ar.payment.received", "ar.payment.applied", "ar.payment.applied", "ar.payment.unapplied", "ar.payment.reversed",
    ]  # fmt: skip
    assert_as_catalogued(events)


def test_a_bank_that_takes_money_back(office: Office):
    booked = date.fromisoformat(day(5))
    rows = tuple(
        StatementLine(n, booked, booked, minor, "USD", "Payer", ext()[:30], ext(), reversal=reversal)
        for n, (minor, reversal) in enumerate(((100, False), (200, True), (-300, True), (-400, False)), 1)
    )
    s = Statement("GB33BUKB20201555555555", ext("s")[:30], "USD", 1000, 600, booked, booked, rows)
    out = io.BytesIO()
    write_camt(out, s, created_at=datetime.now(UTC))
    kept = office.statement(out.getvalue(), "s.xml")
    assert (kept["recorded"], kept["lines_total"], kept["warnings"]) == (1, 4, [])
    assert [x["reason_code"] for x in kept["lines"][1:]] == ["REVERSAL", "RECEIPT_RETURNED", "NOT_A_CREDIT"]
    listed = ok(office.ops.get("/v1/exceptions", params={"status": "open", "limit": 200}))["items"]
    assert ("RECEIPT_RETURNED", kept["id"]) in [(e["reason_code"], e["subject_id"]) for e in listed]


def test_reads_do_not_wait_for_writes(office: Office, customer: str, database_url: str):
    p = office.payment(customer, 5)
    with psycopg.connect(database_url) as blocker:
        blocker.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (p["id"],))
        assert office.get(p["id"])["id"] == p["id"]
