"""Invoices and payments as the 360 view shows them: without bank accounts, remittance texts, payers, rates and entries."""

from collections.abc import Sequence
from datetime import date, datetime

from models.answers import answer


@answer
class ReceivableInvoiceAnswer:
    """An open invoice of the customer. Amounts in minor units of its currency."""

    id: str
    status: str
    external_id: str
    customer_id: str
    legal_entity_id: str
    issue_date: date
    due_date: date
    currency_code: str
    total_minor: int
    balance_due_minor: int
    disputed: bool
    disputed_minor: int


@answer
class ReceivableApplicationAnswer:
    """What a payment paid of an invoice."""

    id: str
    invoice_id: str
    applied_minor: int
    currency_code: str
    applied_at: datetime
    unapplied_at: datetime | None


@answer
class ReceivablePaymentAnswer:
    """A payment of the customer and the invoices that it paid. Amounts in minor units of its currency."""

    id: str
    status: str
    customer_id: str
    legal_entity_id: str
    payment_date: date
    amount_minor: int
    applied_minor: int
    unapplied_minor: int
    currency_code: str
    method: str | None
    reference: str | None
    reversal_date: date | None
    applications: Sequence[ReceivableApplicationAnswer]
