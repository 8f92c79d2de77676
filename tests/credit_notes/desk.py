"""What the tests of credit notes say often."""

import os
from typing import Any

from models.ids import new_id
from tests.books import Books
from tests.session_lines.desk import person


def note(
    books: Books, customer: str, total: int, issued: str = "2026-01-10", *, by: str = "controller", **f: Any
) -> str:
    """A credit note; its id."""
    return str(noted(books, customer, total, issued, by=by, **f)["id"])


def noted(
    books: Books, customer: str, total: int, issued: str = "2026-01-10", *, by: str = "controller", **fields: Any
) -> dict[str, Any]:
    """A credit note; the answer."""
    return books.do("create_credit_note", new_id("cn"), body(customer, total, issued, **fields), person(books, by))


def body(customer: str, total: int, issued: str = "2026-01-10", **fields: Any) -> dict[str, Any]:
    """A credit note as it is asked for."""
    return {
        "customer_id": customer, "external_id": os.urandom(8).hex(), "issue_date": issued, "currency_code": "USD",
        "total_minor": total, "reason_code": "GOODS_RETURNED", **fields,
    }  # fmt: skip


def settle(books: Books, credit_note: str, *lines: tuple[str, int], **fields: Any) -> dict[str, Any]:
    """Invoices settled by a note alone."""
    applications = [{"invoice_id": i, "applied_minor": minor} for i, minor in lines]
    return books.do("apply_credit_note", credit_note, {"applications": applications, **fields})


def unsettle(books: Books, application: str, on: str | None = None) -> dict[str, Any]:
    return books.do("unapply_credit_note", application, {"reason_code": "WRONG_INVOICE", "effective_date": on})


def void(books: Books, credit_note: str) -> dict[str, Any]:
    return books.do("void_credit_note", credit_note, {"reason_code": "ISSUED_IN_ERROR"})


def netted(credit_note: str, invoice: str, minor: int) -> dict[str, Any]:
    """A line of a payment's session."""
    return {"credit_note_id": credit_note, "invoice_id": invoice, "applied_minor": minor}


def left(books: Books, credit_note: str) -> tuple[str, int]:
    """Status and balance of a note."""
    n = books.get(f"/v1/credit-notes/{credit_note}")
    return n["status"], n["balance_minor"]


def control(books: Books, day: str, entity: str = "le_us") -> tuple[int, int]:
    """What the ledger says of receivables at the end of a day, and the difference that the report cannot explain."""
    report = books.get("/v1/reports/ar-aging", as_of=day)
    (c,) = [c for c in report["control"] if c["legal_entity_id"] == entity]
    return c["ledger_minor"], c["difference_minor"]
