"""What the tests of a session's lines say often."""

from typing import Any

from models.access import Principal
from operations.verify import verify
from tests.books import Books

ROLES = {"clerk": "ar_clerk", "manager": "ar_manager", "controller": "controller"}


def person(books: Books, role: str, user: str | None = None) -> Principal:
    """Somebody of that role."""
    return Principal(user or f"u_{role}", books.org, frozenset({ROLES.get(role, role)}))


def beside(kind: str, amount: int, **fields: Any) -> dict[str, Any]:
    """An adjustment as it is asked for."""
    note = {"note": "CIS-4711"} if kind == "tax_withheld" else {}
    return {"kind": kind, "amount_minor": amount, "reason_code": "SMALL_DIFFERENCE"} | note | fields


def item(invoice: str, applied: int, *adjustments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One line of a session."""
    return {"invoice_id": invoice, "applied_minor": applied, "adjustments": list(adjustments), **fields}


def apply(books: Books, payment: str, *items: dict[str, Any], by: str = "clerk", **fields: Any) -> dict[str, Any]:
    """A session of several kinds of lines."""
    operation = "apply_credit" if payment.startswith("cred_") else "apply_payment"
    return books.do(operation, payment, {"applications": list(items), **fields}, person(books, by))


def posted(books: Books, entry_id: str) -> dict[str, int]:
    """What an entry does to each account: debits positive, in the functional currency."""
    rows = books.sql(
        """SELECT account, sum(functional_debit_minor - functional_credit_minor)::bigint AS minor FROM journal_lines
           WHERE org_id = :org AND entry_id = %(id)s GROUP BY account""",
        id=entry_id,
    )
    return {r["account"]: r["minor"] for r in rows if r["minor"]}


def balance(books: Books, invoice: str) -> tuple[str, int]:
    """Status and balance of an invoice."""
    i = books.get(f"/v1/invoices/{invoice}")
    return i["status"], i["balance_due_minor"]


def breaches(books: Books) -> dict[str, list[str]]:
    """What `arflow verify` would say."""
    return {f.check: f.breaches for f in verify(books.engine, books.org) if not f.ok}
