"""The records of cash application as they are kept: frozen, their derived amounts defined here and nowhere else.

Field names are the columns'. Amounts are int64 minor units: `applied_minor` in the payment's currency, `balance_due_minor`
and `invoice_applied_minor` in the invoice's, `functional_*` in the legal entity's functional currency. Times are UTC; dates
are calendar dates as the caller gave them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from models.answers import JsonObject
from models.cash.payment import CreditKind, CreditStatus, InvoiceStatus, Overpayment, PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A customer payment. `credit_held_minor` is what customer credits of it hold; `posted`: its receipt is in the ledger."""

    id: str
    external_id: str
    customer_id: str | None
    legal_entity_id: str
    bank_account_id: str
    payment_date: date
    amount_minor: int
    currency_code: str
    applied_minor: int = 0
    credit_held_minor: int = 0
    fx_rate: Decimal
    functional_currency: str
    functional_amount_minor: int
    functional_available_minor: int
    overpayment: Overpayment | None = None
    posted: bool = False
    method: str | None
    reference: str | None
    remittance_text: str | None
    payer: str | None = None
    statement_id: str | None = None
    statement_line: int | None = None
    body: JsonObject
    version: int = 1
    created_at: datetime
    reversed_at: datetime | None = None
    reversal_date: date | None = None
    reversal_reason: str | None = None
    reversal_note: str | None = None

    @property
    def status(self) -> PaymentStatus:
        """UNAPPLIED → PARTIALLY_APPLIED → FULLY_APPLIED; terminal REVERSED. The database computes the same."""
        if self.reversed_at is not None:
            return PaymentStatus.REVERSED
        if self.applied_minor == 0:
            return PaymentStatus.UNAPPLIED
        return (
            PaymentStatus.FULLY_APPLIED if self.applied_minor == self.amount_minor else PaymentStatus.PARTIALLY_APPLIED
        )

    @property
    def unapplied_minor(self) -> int:
        """What no invoice has taken; nothing once reversed."""
        return 0 if self.reversed_at is not None else self.amount_minor - self.applied_minor

    @property
    def available_minor(self) -> int:
        """What a session may apply: the unapplied part less what a customer credit holds; nothing once reversed."""
        return 0 if self.reversed_at is not None else self.amount_minor - self.applied_minor - self.credit_held_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentApplication:
    """What one session applied to one invoice. `effective_date`: from when aging counts it."""

    id: str
    session_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    credit_id: str | None
    applied_minor: int
    currency_code: str
    invoice_applied_minor: int
    invoice_currency_code: str
    fx_rate: Decimal
    functional_cash_minor: int
    functional_relief_minor: int
    effective_date: date
    entry_date: date
    created_at: datetime
    unapplied_at: datetime | None = None
    undone_date: date | None = None
    undone_entry_date: date | None = None
    unapply_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSession:
    """One application of a payment, or of a customer credit (`credit_used`), to invoices. `credit_id`: the credit it made."""

    id: str
    payment_id: str
    seq: int
    credit_used: str | None
    credit_id: str | None
    external_id: str | None
    body_hash: str
    body: JsonObject
    command_id: str
    journal_entry_id: str | None
    undone: bool = False
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCredit:
    """The remainder of a payment: held apart for the customer, or a record of what is left on the payment."""

    id: str
    payment_id: str
    customer_id: str
    legal_entity_id: str
    kind: CreditKind
    amount_minor: int
    remaining_minor: int
    currency_code: str
    functional_remaining_minor: int
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_date: date | None = None

    @property
    def status(self) -> CreditStatus:
        """The database computes the same."""
        if self.withdrawn_at is not None:
            return CreditStatus.WITHDRAWN
        return CreditStatus.USED if self.remaining_minor == 0 else CreditStatus.OPEN

    @property
    def held_apart_minor(self) -> int:
        """What the payment can no longer apply by itself because this credit holds it."""
        return self.amount_minor if self.kind is CreditKind.CUSTOMER_CREDIT else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice. `reference_key` is how its external_id is recognised in a bank's text (models.cash.references);
    `discount_*` is what its terms granted when it was issued to whoever pays early; `deducted_minor`: of its open deductions."""

    id: str
    customer_id: str
    legal_entity_id: str
    external_id: str
    reference_key: str
    issue_date: date
    due_date: date
    payment_terms: str | None
    currency_code: str
    total_minor: int
    tax_minor: int
    balance_due_minor: int
    fx_rate: Decimal
    functional_currency: str
    functional_total_minor: int
    functional_balance_minor: int
    lines: Sequence[JsonObject]
    discount_percent: Decimal | None = None
    discount_days: int | None = None
    deducted_minor: int = 0
    version: int = 1
    created_at: datetime
    disputed_at: datetime | None = None
    dispute_reason: str | None = None
    voided_at: datetime | None = None
    void_date: date | None = None
    void_reason: str | None = None

    @property
    def disputed_minor(self) -> int:
        """What of the balance its customer contests: all of it, or what open deductions say."""
        return (
            self.balance_due_minor if self.disputed_at is not None else min(self.deducted_minor, self.balance_due_minor)
        )

    @property
    def status(self) -> InvoiceStatus:
        """The database computes the same."""
        if self.voided_at is not None:
            return InvoiceStatus.VOID
        if self.balance_due_minor == 0:
            return InvoiceStatus.PAID
        return InvoiceStatus.OPEN if self.balance_due_minor == self.total_minor else InvoiceStatus.PARTIALLY_PAID


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestSession:
    """What a repeated request is compared with: the payment's latest session."""

    id: str
    seq: int
    body_hash: str
    command_id: str
    undone: bool


@dataclass(frozen=True, slots=True)
class LockedPayment:
    """A payment, locked, with what decides about it: the closed months and its latest session."""

    payment: Payment
    closed_periods: frozenset[str]
    latest: LatestSession | None


class PeriodStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A month (YYYY-MM) that was closed once; a month without a record is open."""

    period: str
    status: PeriodStatus
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """An organisation's own rate: units of `quote` per unit of `base` (major units) on `rate_date`."""

    base: str
    quote: str
    rate_date: date
    rate: Decimal
    source: str
    recorded_at: datetime
    recorded_by: str


class ReconciliationStatus(StrEnum):
    DRAFT = "DRAFT"
    COMPLETED = "COMPLETED"
    REOPENED = "REOPENED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The payments that the bank shows through a date. `statement_balance_minor` in the bank account's currency."""

    id: str
    bank_account_id: str
    through_date: date
    statement_balance_minor: int | None
    status: ReconciliationStatus = ReconciliationStatus.DRAFT
    created_at: datetime
    created_by: str
    completed_at: datetime | None = None
    completed_by: str | None = None
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    reopen_reason: str | None = None

    def difference_minor(self, book_balance_minor: int) -> int | None:
        """The statement's balance less the books'; None where the statement's is not known."""
        stated = self.statement_balance_minor
        return None if stated is None else stated - book_balance_minor


@dataclass(frozen=True, slots=True)
class BankedPayment:
    """A payment on its way into a reconciliation. `completed_in`: the completed one that holds it already."""

    payment: Payment
    closed_periods: frozenset[str]
    completed_in: str | None

    @property
    def held(self) -> LockedPayment:
        """As posting a receipt wants it."""
        return LockedPayment(self.payment, self.closed_periods, None)
