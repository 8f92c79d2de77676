"""What a confirmation says, to whom it goes, and what is kept of it, without a process and a mail server."""

import json
from typing import Any

import pytest

from models.ids import new_id
from models.messages.confirmations import confirmation_workflow_id
from operations.cash import confirmations
from tests.books import Books


def session(books: Books, **payment: Any) -> tuple[str, str]:
    """A payment of 100.00 applied to an invoice of 90.00; the session, and the payment."""
    customer = books.customer("Blue Ltd")
    invoice = books.invoice(customer, 90_00, "2026-01-01", external_id="INV-1")
    paid = books.pay(customer, 100_00, "2026-01-02", **payment)
    done = books.apply(paid, (invoice, 90_00), overpayment="unapplied")
    return str(done["session_id"]), paid


def draft(books: Books, of: str) -> confirmations.Draft:
    return confirmations.draft(books.engine, books.org, of)


def record(books: Books, of: str) -> str:
    return confirmations.record(books.engine, books.org, of, draft(books, of))


def kept(books: Books) -> list[tuple[Any, ...]]:
    rows = books.sql("SELECT session_id, message_id, status FROM remittance_confirmations WHERE org_id = :org")
    return [tuple(row.values()) for row in rows]


def trail(books: Books, payment: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    sql = """SELECT actor, workflow_id, payload FROM audit_events
             WHERE org_id = :org AND subject_id = %(id)s AND action = 'remittance.confirmed'"""
    return [(row["actor"], row["workflow_id"], json.loads(row["payload"])) for row in books.sql(sql, id=payment)]


def test_a_customer_is_told_what_was_applied_and_what_is_left(books: Books) -> None:
    of, payment = session(books, reference="RF18")
    (whom,) = books.sql("SELECT email FROM customers WHERE org_id = :org")
    made = draft(books, of)
    assert made.message is not None
    assert (made.status, made.message_id) == (None, f"<{of}.{books.org}@arflow>")
    said = made.message
    assert (said["Subject"], said["To"]) == ("Remittance confirmation: 100.00 USD", whom["email"])
    assert (said["Message-ID"], "@" in said["From"], said["Date"] is not None) == (made.message_id, True, True)
    assert said.get_content().splitlines() == [
        "Dear Blue Ltd,", "",
        "thank you for your payment of 100.00 USD dated 2026-01-02 (reference RF18).",
        "We have applied it as follows:", "",
        "  Invoice INV-1: 90.00 USD, open now 0.00 USD", "",
        "10.00 USD of the payment is on your account.", "",
        "Test", f"Payment {payment}",
    ]  # fmt: skip


def test_once_it_is_sent_there_is_nothing_more_to_send(books: Books) -> None:
    of, payment = session(books)
    confirmations.report_undelivered(books.engine, books.org, of, "ConnectionRefused")
    assert record(books, of) == "SENT"
    again = draft(books, of)
    assert (again.message, again.status, again.message_id) == (None, "SENT", f"<{of}.{books.org}@arflow>")
    assert kept(books) == [(of, again.message_id, "SENT")]
    assert trail(books, payment) == [("process:ConfirmRemittance", confirmation_workflow_id(of), {"session_id": of})]
    (desk,) = books.sql("SELECT status, resolved_by FROM exceptions WHERE org_id = :org")
    assert desk == {"status": "resolved", "resolved_by": "process:ConfirmRemittance"}


@pytest.mark.parametrize("why", ["SWITCHED_OFF", "NO_ADDRESS"])
def test_where_nothing_is_sent_it_is_kept_why(books: Books, why: str) -> None:
    of, payment = session(books)
    if why == "SWITCHED_OFF":
        books.do("change_settings", books.org, {"remittance_confirmation": "off"})
    else:
        books.sql("UPDATE customers SET email = '', billing_email = NULL WHERE org_id = :org")
    made = draft(books, of)
    assert (made.message, made.status, made.message_id) == (None, None, "")
    assert record(books, of) == why
    assert (kept(books), trail(books, payment)) == ([(of, "", why)], [])
    assert draft(books, of).status == why


def test_a_session_that_is_not_in_the_books_has_no_address(books: Books) -> None:
    of, _ = session(books)
    gone = new_id("sess")
    assert [confirmations.is_there(books.engine, books.org, one) for one in (of, gone)] == [True, False]
    assert (draft(books, gone).message, draft(books, gone).status) == (None, "NO_ADDRESS")
    assert record(books, gone) == "NO_ADDRESS"
    assert kept(books) == []


def test_one_at_a_time_sends_it(books: Books) -> None:
    of, _ = session(books)
    with confirmations.alone(books.engine, books.org, of) as first:
        with confirmations.alone(books.engine, books.org, of) as second:
            assert (first, second) == (True, False)
        with confirmations.alone(books.engine, books.org, new_id("sess")) as other:
            assert other
    with confirmations.alone(books.engine, books.org, of) as later:
        assert later


@pytest.mark.parametrize(("error", "detail"), [("ConnectionRefused", {"error": "ConnectionRefused"}), (None, {})])
def test_what_does_not_go_out_lies_on_the_desk_of_the_manager(
    books: Books, error: str | None, detail: dict[str, str]
) -> None:
    of, _ = session(books)
    for _ in range(2):
        confirmations.report_undelivered(books.engine, books.org, of, error)
    (found,) = books.get("/v1/exceptions", status="open")["items"]
    assert (found["kind"], found["reason_code"], found["subject_id"]) == (
        "remittance_confirmation", "MAIL_NOT_DELIVERED", of,
    )  # fmt: skip
    assert (found["owner_role"], found["legal_entity_id"], found["detail"]) == ("ar_manager", "le_us", detail)
    (due,) = books.sql("SELECT EXTRACT(epoch FROM due_at - created_at)::int AS s FROM exceptions WHERE org_id = :org")
    assert due["s"] == 86_400
    confirmations.report_undelivered(books.engine, books.org, new_id("sess"), error)
    assert len(books.get("/v1/exceptions", status="open")["items"]) == 2
