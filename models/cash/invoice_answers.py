"""What is answered of invoices. Amounts in minor units of the currency beside them; rates are decimal strings."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from models.answers import JsonObject, WarningAnswer, answer, answer_from
from models.cash.payment import InvoiceStatus
from models.cash.records import Invoice


@answer
class InvoiceAnswer:
    """An invoice as it stands. `total_minor` includes the tax; `lines` are as they were sent. `discount_percent` is for
    whoever pays within `discount_days` of its issue, as its terms granted it then; null where they grant none.
    `disputed`: as a whole; `disputed_minor`: what of the balance is contested, by that or by open deductions."""

    id: str
    status: InvoiceStatus
    external_id: str
    customer_id: str
    legal_entity_id: str
    issue_date: date
    due_date: date
    payment_terms: str | None
    currency_code: str
    total_minor: int
    tax_minor: int
    balance_due_minor: int
    functional_currency: str
    functional_total_minor: int
    fx_rate: Decimal
    lines: Sequence[JsonObject]
    discount_percent: Decimal | None
    discount_days: int | None
    disputed: bool
    disputed_minor: int
    dispute_reason: str | None
    void_date: date | None
    void_reason: str | None
    created_at: datetime


def invoice_answer(i: Invoice) -> InvoiceAnswer:
    return InvoiceAnswer(
        id=i.id,
        status=i.status,
        external_id=i.external_id,
        customer_id=i.customer_id,
        legal_entity_id=i.legal_entity_id,
        issue_date=i.issue_date,
        due_date=i.due_date,
        payment_terms=i.payment_terms,
        currency_code=i.currency_code,
        total_minor=i.total_minor,
        tax_minor=i.tax_minor,
        balance_due_minor=i.balance_due_minor,
        functional_currency=i.functional_currency,
        functional_total_minor=i.functional_total_minor,
        fx_rate=i.fx_rate,
        lines=i.lines,
        discount_percent=i.discount_percent,
        discount_days=i.discount_days,
        disputed=i.disputed_at is not None,
        disputed_minor=i.disputed_minor,
        dispute_reason=i.dispute_reason,
        void_date=i.void_date,
        void_reason=i.void_reason,
        created_at=i.created_at,
    )


@answer
class IssuedInvoiceAnswer(InvoiceAnswer):
    """An invoice just issued, with what whoever issued it should know (CREDIT_LIMIT_EXCEEDED, …)."""

    warnings: Sequence[WarningAnswer]


@answer
class BatchedInvoiceAnswer:
    """An invoice of a batch that is there. `index` counts from 0 in the order of the request."""

    index: int
    status: Literal["created", "replayed"]
    invoice: IssuedInvoiceAnswer


@answer
class FailedInvoiceAnswer:
    """An invoice of a batch that was refused. `error` is the problem that it would have been answered alone."""

    index: int
    status: Literal["failed"]
    error: JsonObject


@answer
class InvoiceBatchAnswer:
    """What became of each, in the order of the request."""

    items: Sequence[BatchedInvoiceAnswer | FailedInvoiceAnswer]


def issued_invoice_answer(i: Invoice, warnings: Sequence[WarningAnswer]) -> IssuedInvoiceAnswer:
    return answer_from(IssuedInvoiceAnswer, invoice_answer(i), warnings=warnings)
