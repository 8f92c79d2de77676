"""A receipt that named no invoice is on the clerk's desk until its money is placed."""

import io
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from statement_readers import detect_and_read
from tests.books import Books

HEADER = "date,amount,currency,payer,reference,remittance_text\n"


def left_over(books: Books, amount: str, payer: str) -> tuple[str, list[str]]:
    """The payment of a statement line that says nothing, and the invoices suggested for it."""
    content = f"{HEADER}2026-01-05,{amount},USD,{payer},,Thank you {new_id('stmt')}\n".encode()
    received = as_received("bank_us", content, "s.csv", detect_and_read(io.BytesIO(content), "s.csv", "text/csv"))
    statement = str(books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))["id"])
    next_chunk(books.engine, StatementInput(books.org, statement))
    sql = "SELECT payment_id, suggestions FROM statement_lines WHERE org_id = %s AND statement_id = %s"
    with books.owner.connect() as conn:
        payment, suggestions = conn.exec_driver_sql(sql, (books.org, statement)).one()
    return str(payment), [s["invoice_id"] for s in suggestions]


def unmatched(books: Books, customer: str, amount: str) -> str:
    """A payment from such a line, given its customer; the payment's id."""
    payment, _ = left_over(books, amount, "Somebody")
    books.do("assign_payment", payment, {"customer_id": customer})
    return payment


def on_the_desk(books: Books, payment: str) -> list[Any]:
    sql = "SELECT status, resolution_code FROM exceptions WHERE org_id = %s AND subject_id = %s"
    with books.owner.connect() as conn:
        return [tuple(r) for r in conn.exec_driver_sql(sql, (books.org, payment)).all()]


def test_it_stays_while_some_of_the_money_is_not_placed(books: Books):
    customer = books.customer()
    payment = unmatched(books, customer, "10.00")
    books.apply(payment, (books.invoice(customer, 1000, "2026-01-01"), 400))
    assert on_the_desk(books, payment) == [("open", None)]


def test_it_is_resolved_when_all_is_applied(books: Books):
    customer = books.customer()
    payment = unmatched(books, customer, "10.00")
    books.apply(payment, (books.invoice(customer, 1000, "2026-01-01"), 1000))
    assert on_the_desk(books, payment) == [("resolved", "APPLIED")]


@pytest.mark.parametrize("word", ["customer_credit", "unapplied"])
@pytest.mark.parametrize("applied", [400, 0])
def test_it_is_resolved_when_a_person_has_said_what_becomes_of_the_rest(books: Books, word: str, applied: int):
    customer = books.customer()
    payment = unmatched(books, customer, "10.00")
    lines = [(books.invoice(customer, applied, "2026-01-01"), applied)] if applied else []
    books.apply(payment, *lines, overpayment=word)
    assert on_the_desk(books, payment) == [("resolved", "APPLIED")]


def test_it_is_resolved_when_the_bank_takes_the_money_back(books: Books):
    payment = unmatched(books, books.customer(), "10.00")
    books.reverse(payment)
    assert on_the_desk(books, payment) == [("resolved", "REVERSED")]


def test_the_payers_invoice_of_the_amount_is_suggested_before_an_older_one_of_somebody_else(books: Books):
    payer, other = books.customer("Harbour Coffee"), books.customer("Other")
    stranger = books.invoice(other, 990, "2025-01-01")
    older = [books.invoice(payer, 100 + n, f"2025-02-0{n}") for n in range(1, 8)]
    meant = books.invoice(payer, 990, "2025-03-01")
    _, suggested = left_over(books, "9.90", "HARBOUR coffee")
    assert suggested[:2] == [meant, stranger]
    assert set(suggested[2:]) <= set(older)


def test_an_invoice_that_is_both_the_payers_and_of_the_amount_is_suggested_once(books: Books):
    meant = books.invoice(books.customer("Juniper"), 990, "2025-03-01")
    assert left_over(books, "9.90", "Juniper")[1] == [meant]
