"""Invoices and payments as the 360 view shows them, for those who see the view but not the books.

The panel of receivables lists both. Sales may open invoices, but no payments; operators neither. They drill into these
instead: what a person needs before a call, without bank accounts, remittance texts, payers, rates and entries.
"""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import Request

from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from models.cash.answers import payment_answer
from models.db import lookups
from models.db.cash import payments
from models.db.cash.invoices import GET, invoice_body
from models.db.cash.payment_reads import list_invoices, list_payments
from models.db.tx import Row, Tx
from models.errors import Refusal

router = gated_router("customer 360")
Reader = Annotated[Principal, requires("customers.read")]

_INVOICE: Final = (
    "id", "status", "external_id", "customer_id", "legal_entity_id", "issue_date", "due_date", "currency_code",
    "total_minor", "balance_due_minor", "disputed",
)  # fmt: skip
_PAYMENT: Final = (
    "id", "status", "customer_id", "legal_entity_id", "payment_date", "amount_minor", "applied_minor", "unapplied_minor",
    "currency_code", "method", "reference", "reversal_date",
)  # fmt: skip
_APPLICATION: Final = ("id", "invoice_id", "applied_minor", "currency_code", "applied_at", "unapplied_at")


@router.get("/v1/customers/{customer_id}/360/invoices", responses=refusals("CUSTOMER_NOT_FOUND"))
def get_invoices(request: Request, customer_id: str, who: Reader, page: Paging) -> dict[str, Any]:
    """The customer's open invoices by due date."""
    after = page.after("invoices", date, date, str)
    with reading(request, who) as tx:
        _customer(tx, who, customer_id)
        rows = list_invoices(tx, who.entities, "open", customer_id, after, page.fetch)
    return page.answer("invoices", rows, key=lambda r: (r["due_date"], r["issue_date"], r["id"]), item=_invoice)


@router.get(
    "/v1/customers/{customer_id}/360/invoices/{invoice_id}",
    responses=refusals("CUSTOMER_NOT_FOUND", "INVOICE_NOT_FOUND"),
)
def get_invoice(request: Request, customer_id: str, invoice_id: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        _customer(tx, who, customer_id)
        row = lookups.find(tx, "invoice", GET, invoice_id)
    return _invoice(_own(who, row, customer_id, "invoice"))


@router.get("/v1/customers/{customer_id}/360/payments", responses=refusals("CUSTOMER_NOT_FOUND"))
def get_payments(request: Request, customer_id: str, who: Reader, page: Paging) -> dict[str, Any]:
    """The customer's payments, the latest first."""
    after = page.after("payments", str)
    with reading(request, who) as tx:
        _customer(tx, who, customer_id)
        rows = list_payments(tx, who.entities, None, customer_id, after[0] if after else None, page.fetch)
    return page.answer("payments", rows, key=lambda p: (p.payment.id,), item=_payment)


@router.get(
    "/v1/customers/{customer_id}/360/payments/{payment_id}",
    responses=refusals("CUSTOMER_NOT_FOUND", "PAYMENT_NOT_FOUND"),
)
def get_payment(request: Request, customer_id: str, payment_id: str, who: Reader) -> dict[str, Any]:
    """A payment and the invoices that it paid."""
    with reading(request, who) as tx:
        _customer(tx, who, customer_id)
        found = payments.get(tx, payment_id)
    p = found.payment
    _own(who, {"id": p.id, "customer_id": p.customer_id, "legal_entity_id": p.legal_entity_id}, customer_id, "payment")
    return _payment(found)


def _customer(tx: Tx, who: Principal, customer_id: str) -> None:
    who_sees(who, lookups.customer(tx, customer_id)["legal_entity_id"])


def _own(who: Principal, row: Row, customer_id: str, noun: str) -> Row:
    if row["customer_id"] != customer_id:
        raise Refusal(f"{noun.upper()}_NOT_FOUND", f"{customer_id} has no {noun} {row['id']}.")
    who_sees(who, row["legal_entity_id"])
    return row


def _invoice(row: Row) -> dict[str, Any]:
    body = invoice_body(row)
    return {field: body[field] for field in _INVOICE}


def _payment(found: payments.AppliedPayment) -> dict[str, Any]:
    body = payment_answer(found.payment, found.applications)
    shown = {field: getattr(body, field) for field in _PAYMENT}
    return shown | {"applications": [{field: getattr(a, field) for field in _APPLICATION} for a in body.applications]}
