"""What the tests of deductions say often."""

from typing import Any

from models.ids import new_id
from tests.books import Books
from tests.session_lines.desk import person


def deduction(invoice: str, minor: int, reason: str = "DAMAGED_GOODS", **fields: Any) -> dict[str, Any]:
    """A deduction as it is asked for."""
    return {"invoice_id": invoice, "amount_minor": minor, "reason_code": reason, **fields}


def short(
    books: Books,
    payment: str,
    lines: list[tuple[str, int]],
    *deductions: dict[str, Any],
    by: str = "clerk",
    **more: Any,
) -> dict[str, Any]:
    """A session that pays some, and says why not all."""
    applications = [{"invoice_id": i, "applied_minor": minor} for i, minor in lines]
    body = {"applications": applications, "deductions": list(deductions), **more}
    operation = "apply_credit" if payment.startswith("cred_") else "apply_payment"
    return books.do(operation, payment, body, person(books, by))


def stated(books: Books, invoice: str, minor: int, *, by: str = "clerk", **fields: Any) -> dict[str, Any]:
    """A deduction without a payment; the answer."""
    return books.do("open_deduction", new_id("ded"), deduction(invoice, minor, **fields), person(books, by))


def shown(books: Books, deduction_id: str) -> dict[str, Any]:
    """The deduction as it stands."""
    return books.get(f"/v1/deductions/{deduction_id}")


def status(books: Books, deduction_id: str) -> tuple[str, str | None]:
    """What has become of it, and why."""
    d = shown(books, deduction_id)
    return d["status"], d["end_reason"]


def disputed(books: Books, invoice: str) -> tuple[int, int]:
    """What an invoice owes, and what of that is disputed."""
    i = books.get(f"/v1/invoices/{invoice}")
    return i["balance_due_minor"], i["disputed_minor"]


def waiting(books: Books, role: str) -> list[str]:
    """The deductions whose exceptions lie on a role's desk."""
    found = (
        books.api(role, user=f"u_{role}_x").get("/v1/exceptions?status=open&owner=me&kind=deduction").json()["items"]
    )
    return [e["subject_id"] for e in found]


def decide(
    books: Books, deduction_id: str, decision: str, *, by: str = "manager", user: str | None = None, **more: Any
) -> dict[str, Any]:
    """Accept or reject; the answer."""
    body = {"decision": decision, "reason_code": f"{decision.upper()}ED", **more}
    return books.do("resolve_deduction", deduction_id, body, person(books, by, user))


def approve(books: Books, approval_id: str, by: str, decision: str = "approve", **more: Any) -> dict[str, Any]:
    """A step of its approval decided; the approval afterwards."""
    body = {"decision": decision, **more}
    return books.do("approval.decide", approval_id, body, person(books, by, f"u_{by}_who_decides"))
