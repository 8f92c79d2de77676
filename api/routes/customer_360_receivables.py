"""Invoices and payments as the 360 view shows them, for those who see the view but not the books.

The panel of receivables lists both. Sales may open invoices, but no payments; operators neither. They drill into these
instead: what a person needs before a call, without bank accounts, remittance texts, payers, rates and entries.
"""

from datetime import date
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, sees_customer, who_sees
from models.answers import Page
from models.cash.records import Invoice, Payment
from models.customer_360.receivables import (
    ReceivableApplicationAnswer,
    ReceivableInvoiceAnswer,
    ReceivablePaymentAnswer,
)
from models.db.cash import invoices, payments
from models.db.cash.payment_reads import list_invoices, list_payments
from models.errors import Refusal

router = gated_router("customer 360")
Reader = Annotated[Principal, requires("customers.read")]


@router.get(
    "/v1/customers/{customer_id}/360/invoices",
    response_model=Page[ReceivableInvoiceAnswer],
    responses=refusals("CUSTOMER_NOT_FOUND"),
)
def list_customer_360_invoices(request: Request, customer_id: str, who: Reader, page: Paging) -> Response:
    """The customer's open invoices by due date."""
    after = page.after("invoices", date, date, str)
    with reading(request, who) as tx:
        sees_customer(tx, who, customer_id)
        found = list_invoices(tx, who.entities, "open", customer_id, after, page.fetch)
    return shown(page.of("invoices", found, key=lambda i: (i.due_date, i.issue_date, i.id), item=_invoice))


@router.get(
    "/v1/customers/{customer_id}/360/invoices/{invoice_id}",
    response_model=ReceivableInvoiceAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "INVOICE_NOT_FOUND"),
)
def get_customer_360_invoice(request: Request, customer_id: str, invoice_id: str, who: Reader) -> Response:
    """One invoice of the customer, as the 360 view leads to it, with its balance in minor units."""
    with reading(request, who) as tx:
        sees_customer(tx, who, customer_id)
        found = invoices.get(tx, invoice_id)
    _own(who, found, customer_id, "invoice")
    return shown(_invoice(found))


@router.get(
    "/v1/customers/{customer_id}/360/payments",
    response_model=Page[ReceivablePaymentAnswer],
    responses=refusals("CUSTOMER_NOT_FOUND"),
)
def list_customer_360_payments(request: Request, customer_id: str, who: Reader, page: Paging) -> Response:
    """The customer's payments, the latest first."""
    after = page.after("payments", str)
    with reading(request, who) as tx:
        sees_customer(tx, who, customer_id)
        found = list_payments(tx, who.entities, None, customer_id, after[0] if after else None, page.fetch)
    return shown(page.of("payments", found, key=lambda p: (p.payment.id,), item=_payment))


@router.get(
    "/v1/customers/{customer_id}/360/payments/{payment_id}",
    response_model=ReceivablePaymentAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "PAYMENT_NOT_FOUND"),
)
def get_customer_360_payment(request: Request, customer_id: str, payment_id: str, who: Reader) -> Response:
    """A payment and the invoices that it paid."""
    with reading(request, who) as tx:
        sees_customer(tx, who, customer_id)
        found = payments.get(tx, payment_id)
    _own(who, found.payment, customer_id, "payment")
    return shown(_payment(found))


def _own(who: Principal, record: Invoice | Payment, customer_id: str, noun: str) -> None:
    if record.customer_id != customer_id:
        raise Refusal(f"{noun.upper()}_NOT_FOUND", f"{customer_id} has no {noun} {record.id}.")
    who_sees(who, record.legal_entity_id)


def _invoice(i: Invoice) -> ReceivableInvoiceAnswer:
    return ReceivableInvoiceAnswer(
        id=i.id,
        status=i.status,
        external_id=i.external_id,
        customer_id=i.customer_id,
        legal_entity_id=i.legal_entity_id,
        issue_date=i.issue_date,
        due_date=i.due_date,
        currency_code=i.currency_code,
        total_minor=i.total_minor,
        balance_due_minor=i.balance_due_minor,
        disputed=i.disputed_at is not None,
        disputed_minor=i.disputed_minor,
    )


def _payment(found: payments.AppliedPayment) -> ReceivablePaymentAnswer:
    p = found.payment
    return ReceivablePaymentAnswer(
        id=p.id,
        status=p.status,
        customer_id=p.customer_id or "",
        legal_entity_id=p.legal_entity_id,
        payment_date=p.payment_date,
        amount_minor=p.amount_minor,
        applied_minor=p.applied_minor,
        unapplied_minor=p.unapplied_minor,
        currency_code=p.currency_code,
        method=p.method,
        reference=p.reference,
        reversal_date=p.reversal_date,
        applications=[
            ReceivableApplicationAnswer(
                id=a.id,
                invoice_id=a.invoice_id,
                applied_minor=a.applied_minor,
                currency_code=a.currency_code,
                applied_at=a.created_at,
                unapplied_at=a.unapplied_at,
            )
            for a in found.applications
        ],
    )
