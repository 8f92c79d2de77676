"""A line that no invoice answered is tried again when one comes that it names; by the rules of an upload, no others."""

from typing import Any

import pytest

from models.db.engine import own_connection
from models.outbox import OutboxEvent
from operations.cash.waiting_lines import awaited
from tests.books import Books, today
from tests.exceptions.uploads import broken, csv, open_exceptions, payment, shown, uploaded, worked_off

ROW = "2026-02-10,77.00,USD,Alpha AG,,Invoice LATE-1"


def woken(books: Books) -> list[str]:
    """The statements that the relay begins again for the invoices issued so far."""
    rows = books.sql(
        "SELECT id, type, subject, data, at FROM outbox_events WHERE org_id = :org AND type = 'invoice.created'"
    )
    events = [OutboxEvent(org_id=books.org, position=n, **row) for n, row in enumerate(rows)]
    conn = own_connection(books.engine)
    try:
        return [s.id for s in awaited(conn, events)]
    finally:
        conn.close()


def line(books: Books, statement: str, number: int = 1) -> dict[str, Any]:
    return dict(shown(books, statement)["lines"][number - 1])


@pytest.mark.parametrize("name", ["LATE-1", "late-1", "LATE1"])
def test_an_invoice_that_comes_later_is_paid_by_the_line_that_named_it(books: Books, name: str):
    made = uploaded(books, csv(f"2026-02-10,77.00,USD,Alpha AG,,{name}"))["id"]
    assert woken(books) == []
    invoice = books.invoice(books.customer("Alpha AG"), 7700, "2026-02-20", external_id=name)
    assert woken(books) == [made]
    worked_off(books, made)
    now = line(books, made)
    assert (now["status"], now["matched_later"], shown(books, made)["matched_later"]) == ("APPLIED", True, 1)
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "PAID"
    assert (open_exceptions(books), woken(books), broken(books)) == ([], [], [])
    said = books.get("/v1/audit-events", subject_id=made)["items"]
    assert {"statement.line_matched_later"} <= {e["action"] for e in said}
    actors = {e["actor"] for e in books.get("/v1/audit-events", subject_id=now["payment_id"])["items"]}
    assert "process:ImportStatement" in actors


@pytest.mark.parametrize(
    ("row", "total", "reason"),
    [("2026-02-10,77.00,USD,Alpha AG,,LATE-1", 7600, "AMOUNT_DIFFERS"),
     ("2026-02-10,77.00,USD,Beta Ltd,,LATE-1", 9900, "PAYER_DIFFERS"),
     ("2026-02-10,77.00,USD,Alpha AG,,LATE-1 LATE-2", 9900, "REFERENCE_UNRESOLVED")],
    ids=["too little", "a strangers", "another reference is unknown"],
)  # fmt: skip
def test_nothing_is_applied_that_the_upload_would_not_have(books: Books, row: str, total: int, reason: str):
    books.customer("Beta Ltd")
    made = uploaded(books, csv(row))["id"]
    books.invoice(books.customer("Alpha AG"), total, "2026-02-20", external_id="LATE-1")
    worked_off(books, made)
    assert (line(books, made)["status"], line(books, made)["reason_code"]) == ("UNMATCHED", reason)
    assert [s["external_id"] for s in line(books, made)["suggestions"]] == ["LATE-1"]


def test_the_second_of_two_invoices_completes_the_line(books: Books):
    made, customer = (
        uploaded(books, csv("2026-02-10,30.00,USD,Alpha AG,,LATE-1 LATE-2"))["id"],
        books.customer("Alpha AG"),
    )
    books.invoice(customer, 1000, "2026-02-20", external_id="LATE-1")
    worked_off(books, made)
    assert line(books, made)["status"] == "UNMATCHED"
    books.invoice(customer, 2000, "2026-02-20", external_id="LATE-2")
    worked_off(books, made)
    assert line(books, made)["status"] == "APPLIED"


def test_money_that_a_person_has_placed_stays_where_it_is(books: Books):
    made, customer = uploaded(books, csv(ROW))["id"], books.customer("Alpha AG")
    receipt = line(books, made)["payment_id"]
    books.do("assign_payment", receipt, {"customer_id": customer})
    books.apply(receipt, (books.invoice(customer, 700, "2026-01-01"), 700), overpayment="unapplied")
    late = books.invoice(customer, 7700, "2026-02-20", external_id="LATE-1")
    worked_off(books, made)
    assert (books.get(f"/v1/invoices/{late}")["status"], payment(books, receipt)["unapplied_minor"]) == ("OPEN", 7000)


def test_other_invoices_wake_nothing(books: Books):
    uploaded(books, csv(ROW, "2026-02-11,5.00,USD,Beta,,thank you very much"))
    for name in ("LATE-10", "LATE", "thank", "INV-1"):
        books.invoice(books.customer(), 500, "2026-02-20", external_id=name)
    assert woken(books) == []


def test_a_void_invoice_or_one_of_another_organisation_answers_nothing(books: Books):
    made = uploaded(books, csv(ROW))["id"]
    books.void(books.invoice(books.customer("Alpha AG"), 7700, "2026-02-20", external_id="LATE-1"))
    worked_off(books, made)
    other = Books(books.owner_url)
    other.invoice(other.customer(), 7700, str(today()), external_id="LATE-1")
    assert woken(other) == []
    other.close()
    assert line(books, made)["status"] == "UNMATCHED"
