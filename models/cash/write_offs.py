"""Write-offs on their own: a balance, or a part of it, given up without a payment. Records, bodies, answers and the rule.

Amounts are minor units of the invoice's currency; `functional_*` of the legal entity's functional currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from models.answers import CurrencyAmountAnswer, answer, answer_from
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.payment import InvoiceStatus
from models.cash.records import Invoice
from models.errors import Refusal
from models.money import share, spelt
from models.values import Body, PositiveMinor, ReasonCode, RecordId, Text


class WriteOffStatus(StrEnum):
    """Only what is POSTED lowers the invoice's balance."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    POSTED = "POSTED"
    REVERSED = "REVERSED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    FAILED = "FAILED"


class CreateWriteOff(Body):
    """`amount_minor`: in the invoice's currency; all that is open unless given."""

    invoice_id: RecordId
    amount_minor: PositiveMinor | None = None
    reason_code: ReasonCode
    note: Text | None = None


class ReverseWriteOff(Body):
    """Why the invoice owes it again."""

    reason_code: ReasonCode
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """`authorised_minor`: what of it, in the functional currency, was given on the authority of `created_by` alone."""

    id: str
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    amount_minor: int
    currency_code: str
    functional_minor: int
    functional_currency: str
    authorised_minor: int
    reason_code: str
    note: str | None
    status: WriteOffStatus
    approval_id: str | None
    body_hash: str
    created_at: datetime
    created_by: str
    posted_at: datetime | None = None
    effective_date: date | None = None
    entry_date: date | None = None
    journal_entry_id: str | None = None
    reversed_at: datetime | None = None
    reversed_date: date | None = None
    reversed_entry_date: date | None = None
    reverse_reason: str | None = None


def amount_of(i: Invoice, asked_minor: int | None, waiting_minor: int = 0) -> int:
    """What is written off: what is asked, else all that is open and not asked for already (`waiting_minor`). INVOICE_VOID,
    INVOICE_NOT_OPEN, and APPLIED_EXCEEDS_BALANCE for more than that."""
    if i.status is InvoiceStatus.VOID:
        raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    if i.balance_due_minor == 0:
        raise Refusal("INVOICE_NOT_OPEN", f"Invoice {i.id} is {i.status}: nothing of it is open.", invoice_id=i.id)
    left = i.balance_due_minor - waiting_minor
    amount = max(left, 1) if asked_minor is None else asked_minor
    if amount > left:
        raise Refusal(
            "APPLIED_EXCEEDS_BALANCE",
            f"Of invoice {i.id} {spelt(left, i.currency_code)} can be written off, not {spelt(amount, i.currency_code)}.",
            invoice_id=i.id,
            balance_due_minor=i.balance_due_minor,
            waiting_minor=waiting_minor,
        )
    return amount


def worth(i: Invoice, amount_minor: int) -> int:
    """What receivables lose by it, in the functional currency; what settles the invoice takes all that is left."""
    return share(i.functional_balance_minor, amount_minor, i.balance_due_minor)


@answer
class WriteOffAnswer:
    """A balance given up. `functional_minor`: what receivables lose by it. Dates are null until it is posted."""

    id: str
    status: WriteOffStatus
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    amount_minor: int
    currency_code: str
    functional_minor: int
    functional_currency: str
    reason_code: str
    note: str | None
    approval_id: str | None
    journal_entry_id: str | None
    effective_date: date | None
    created_at: datetime
    created_by: str
    posted_at: datetime | None
    reversed_at: datetime | None
    reversed_date: date | None
    reverse_reason: str | None


@answer
class WrittenOffAnswer(WriteOffAnswer):
    """A write-off as it was just asked for or reversed, and its invoice afterwards."""

    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]


def write_off_answer(w: WriteOff) -> WriteOffAnswer:
    """As it stands."""
    return answer_from(WriteOffAnswer, w)


def written_off_answer(
    w: WriteOff, invoices: Sequence[InvoiceBalanceAnswer], owed: Sequence[CurrencyAmountAnswer]
) -> WrittenOffAnswer:
    """As it stands, with its invoice."""
    return answer_from(WrittenOffAnswer, w, invoices=invoices, outstanding_balances=owed)
