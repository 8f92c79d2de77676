"""What a remittance confirmation is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class NettedNote:
    """What a credit note settled of an invoice. `external_id`: its number, as the customer knows it."""

    external_id: str
    applied_minor: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a session says that the payer left out of an invoice, and why: his own words, else the code of the reason."""

    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """What a session applied to one invoice, settled beside it, and says to be left out; what is open on it now, and how much of
    that is disputed. In minor units of the invoice's currency.

    `customer_name`: whose invoice it is, where it is not the payer's own."""

    external_id: str
    invoice_applied_minor: int
    adjusted_minor: int
    invoice_currency_code: str
    balance_due_minor: int
    disputed_minor: int
    customer_name: str | None
    credit_notes: Sequence[NettedNote]
    deductions: Sequence[LeftOut]


@dataclass(frozen=True, slots=True)
class AppliedSession:
    """A session with its payment, customer and invoices. `address`: where the confirmation goes, None where the customer
    has none; `recorded`: how an earlier try ended. Amounts in minor units of the payment's currency."""

    session_id: str
    applied_at: datetime
    payment_id: str
    legal_entity_id: str
    amount_minor: int
    unapplied_minor: int
    currency_code: str
    payment_date: date
    reference: str | None
    customer_name: str
    address: str | None
    organisation: str
    recorded: str | None
    invoices: Sequence[PaidInvoice]

    @property
    def is_disputed(self) -> bool:
        """Whether anything of these invoices is."""
        return any(i.disputed_minor for i in self.invoices)
