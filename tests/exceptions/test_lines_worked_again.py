"""Lines of a statement that failed, or that no invoice answered, are worked again on request."""

import io
from dataclasses import replace
from typing import Any

import pytest

from models.cash.statement_requests import as_received
from models.errors import Refusal
from models.ids import new_id
from models.messages.statements import StatementInput
from operations.cash.statement_chunks import next_chunk
from operations.verify import verify
from statement_readers import detect_and_read
from tests.books import Books

HEADER = "date,amount,currency,payer,reference,remittance_text\n"


def uploaded(books: Books, content: str, bank: str = "bank_us") -> dict[str, Any]:
    """What the upload of a file is answered; its lines are worked off."""
    data = content.encode()
    received = as_received(bank, data, None, detect_and_read(io.BytesIO(data)))
    made = books.do("receive_statement", new_id("stmt"), received.model_dump(mode="json"))
    next_chunk(books.engine, StatementInput(books.org, made["id"]))
    return made


def shown(books: Books, statement: str) -> dict[str, Any]:
    return books.get(f"/v1/statements/{statement}")


def retried(books: Books, statement: str, line: int) -> dict[str, Any]:
    books.do("retry_statement_line", statement, {"line": line})
    return shown(books, statement)["lines"][line - 1]


def dinars(books: Books) -> str:
    """A bank account in a currency that no rate serves yet."""
    body = {"id": "bank_kw", "legal_entity_id": "le_us", "currency_code": "KWD", "name": "Kuwait"}
    books.do("create_bank_account", books.org, body)
    return "bank_kw"


def store_rate(books: Books) -> None:
    rate = {"base_currency": "KWD", "quote_currency": "USD", "rate_date": "2026-02-11", "rate": "3.25", "source": "t"}
    books.do("store_rates", books.org, {"rates": [rate]})


def open_exceptions(books: Books, statement: str) -> list[str]:
    items = books.get("/v1/exceptions", status="open")["items"]
    return [e["reason_code"] for e in items if e["detail"].get("statement_id") == statement]


def test_the_file_again_works_what_failed_and_nothing_else(books: Books):
    bank, content = dinars(books), f"{HEADER}2026-02-11,1.000,KWD,Alpha AG,,K1\n2026-02-11,-1.000,KWD,Bank,,fee\n"
    made = uploaded(books, content, bank)["id"]
    assert [x["reason_code"] for x in shown(books, made)["lines"]] == ["FX_RATE_MISSING", "NOT_A_CREDIT"]
    uploaded(books, content, bank)
    assert open_exceptions(books, made) == ["FX_RATE_MISSING"]  # it failed again
    store_rate(books)
    again = uploaded(books, content, bank)
    assert (again["id"], again["status"]) == (made, "PROCESSING")
    now = shown(books, made)
    assert now.items() >= {"status": "COMPLETED", "recorded": 1, "failed": 0, "lines_done": 2, "lines_total": 2}.items()
    assert open_exceptions(books, made) == ["REFERENCE_UNKNOWN"]
    assert uploaded(books, content, bank)["status"] == "COMPLETED"


def test_a_line_that_failed_is_recorded_once_its_rate_is_there(books: Books):
    made = uploaded(books, f"{HEADER}2026-02-11,1.000,KWD,Alpha AG,,K2\n", dinars(books))["id"]
    assert retried(books, made, 1)["reason_code"] == "FX_RATE_MISSING"
    store_rate(books)
    line = retried(books, made, 1)
    assert (line["status"], books.get(f"/v1/customer-payments/{line['payment_id']}")["amount_minor"]) == (
        "UNMATCHED",
        1000,
    )
    assert retried(books, made, 1)["payment_id"] == line["payment_id"]


def test_a_line_is_matched_to_the_invoice_that_came_after_it(books: Books):
    made = uploaded(books, f"{HEADER}2026-02-11,12.00,USD,Alpha AG,,Invoice LATE-1\n")["id"]
    (before,) = shown(books, made)["lines"]
    assert before["reason_code"] == "REFERENCE_UNKNOWN"
    customer = books.customer()
    invoice = books.invoice(customer, 1200, "2026-02-01", external_id="LATE-1")
    line = retried(books, made, 1)
    assert (line["status"], line["payment_id"]) == ("APPLIED", before["payment_id"])
    assert books.get(f"/v1/invoices/{invoice}")["status"] == "PAID"
    assert books.get(f"/v1/customer-payments/{line['payment_id']}")["customer_id"] == customer
    assert open_exceptions(books, made) == []
    assert retried(books, made, 1) == line


def test_what_a_person_has_begun_to_place_stays_theirs(books: Books):
    made = uploaded(books, f"{HEADER}2026-02-11,12.00,USD,Alpha AG,,Invoice LATE-2\n")["id"]
    payment = shown(books, made)["lines"][0]["payment_id"]
    customer = books.customer()
    books.do("assign_payment", payment, {"customer_id": customer})
    theirs = books.invoice(books.customer(), 1200, "2026-02-01", external_id="LATE-2")
    assert retried(books, made, 1)["status"] == "UNMATCHED"  # it is another customer's
    books.apply(payment, (books.invoice(customer, 500, "2026-02-01"), 500), overpayment="unapplied")
    assert retried(books, made, 1)["status"] == "UNMATCHED"
    assert books.get(f"/v1/invoices/{theirs}")["balance_due_minor"] == 1200


def test_a_line_is_worked_again_for_whoever_covers_its_account(books: Books):
    made = uploaded(books, f"{HEADER}2026-02-11,1.00,USD,Alpha AG,,K9\n")["id"]
    british, american = (replace(books.who, entities=frozenset({entity})) for entity in ("le_uk", "le_us"))
    with pytest.raises(Refusal, match="le_us"):
        books.do("retry_statement_line", made, {"line": 1}, british)
    for who in (american, books.who):
        (line,) = books.do("retry_statement_line", made, {"line": 1}, who)["lines"]
        assert (line["line"], line["status"]) == (1, "UNMATCHED")
    statuses = books.sql("SELECT DISTINCT operation, http_status FROM commands WHERE org_id = :org AND state = 'done'")
    told = {row["operation"]: row["http_status"] for row in statuses}
    assert (told["receive_statement"], told["retry_statement_line"]) == (202, 202), "the process goes on with it"


def test_two_lines_of_one_file_pay_one_invoice_to_the_last_of_its_worth(books: Books):
    books.rate("GBP", "USD", "2026-02-01", "1.333")
    books.rate("GBP", "USD", "2026-02-10", "1.4")
    fields = {"currency": "GBP", "external_id": "INV-61"}
    customer = books.customer("Alpha AG")
    invoice = books.invoice(customer, 10_01, "2026-02-01", **fields)
    body = {"id": "bank_gb", "legal_entity_id": "le_us", "currency_code": "GBP", "name": "London"}
    books.do("create_bank_account", books.org, body)
    rows = "2026-02-11,3.34,GBP,Alpha AG,,INV-61\n2026-02-11,6.67,GBP,Alpha AG,,INV-61\n"
    made = uploaded(books, HEADER + rows, "bank_gb")["id"]
    assert [line["status"] for line in shown(books, made)["lines"]] == ["APPLIED", "APPLIED"]
    (left,) = books.sql("SELECT status, functional_balance_minor AS worth FROM invoices WHERE id = %(id)s", id=invoice)
    assert left == {"status": "PAID", "worth": 0}
    assert [breach for found in verify(books.engine, books.org) for breach in found.breaches] == []


def test_a_line_that_is_not_there_is_not_found(books: Books):
    made = uploaded(books, f"{HEADER}2026-02-11,12.00,USD,Alpha AG,,x\n")["id"]
    with pytest.raises(Refusal, match="no line 2") as refusal:
        books.do("retry_statement_line", made, {"line": 2})
    assert refusal.value.code == "STATEMENT_LINE_NOT_FOUND"
