"""Deductions: what a payer left out of a payment, with his reason. It stays due, and is disputed until it is decided. Pure.

Amounts are minor units of the invoice's currency. What of an open deduction is still disputed is never more than what its
invoice owes: a payment of a part of it takes that part out of the dispute.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from models.access import AR_CLERK, AR_MANAGER, CONTROLLER
from models.cash.records import Invoice
from models.errors import Refusal
from models.money import spelt


class DeductionStatus(StrEnum):
    """OPEN → ACCEPTED (a credit note), REJECTED (to be collected) or WITHDRAWN (paid after all, or nothing left to dispute)."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


OWNERS: Final = (AR_CLERK, AR_MANAGER, CONTROLLER)
"""Who may own a deduction, and who is asked next each time its due time passes; the last one stays."""
SHIPPED_OWNERS: Final[Mapping[str, str]] = {
    "SHORT_DELIVERY": AR_CLERK,
    "DUPLICATE_INVOICE": AR_CLERK,
    "FREIGHT": AR_CLERK,
    "TAX": CONTROLLER,
    "REBATE": CONTROLLER,
}
"""By reason code, where the organisation has not said otherwise; whatever stands nowhere is the manager's."""
OTHERWISE: Final = "*"
"""In the setting: the reason codes that are not named."""


def owner_of(reason_code: str, chosen: Mapping[str, str]) -> str:
    """The role that decides a deduction of this reason; `chosen` by the organisation, before what is shipped."""
    named = chosen.get(reason_code) or SHIPPED_OWNERS.get(reason_code)
    return named or chosen.get(OTHERWISE) or AR_MANAGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """A deduction. `payment_id`, `session_id`: the session that said it, null where it was said without a payment;
    `approval_id`: of the latest approval that accepting it needed; `asked_at`, `asked_by`, `asked_reason`: of the acceptance
    that waits for that."""

    id: str
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    payment_id: str | None
    session_id: str | None
    amount_minor: int
    currency_code: str
    reason_code: str
    customer_reason: str | None
    note: str | None
    status: DeductionStatus
    owner_role: str | None
    owner_user: str | None
    body_hash: str | None
    remind_at: datetime
    reminded_at: datetime | None
    due_at: datetime
    escalations: int
    approval_id: str | None
    asked_at: datetime | None
    asked_by: str | None
    asked_reason: str | None
    asked_note: str | None
    credit_note_id: str | None
    accepted_minor: int | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    end_note: str | None


@dataclass(frozen=True, slots=True)
class AskedDeduction:
    """A deduction as somebody states it."""

    invoice_id: str
    amount_minor: int
    reason_code: str
    customer_reason: str | None = None
    note: str | None = None


def refuse_undisputable(i: Invoice, left_minor: int, amount_minor: int) -> None:
    """INVOICE_VOID, INVOICE_NOT_OPEN, INVOICE_DISPUTED for an invoice that is disputed as a whole, and APPLIED_EXCEEDS_BALANCE
    for more than is due and not disputed yet. `left_minor`: what the invoice owes once the session is posted."""
    if i.voided_at is not None:
        raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    if i.balance_due_minor == 0:
        raise Refusal("INVOICE_NOT_OPEN", f"Invoice {i.id} is {i.status}: nothing of it is open.", invoice_id=i.id)
    if i.disputed_at is not None:
        raise Refusal("INVOICE_DISPUTED", f"Invoice {i.id} is disputed as a whole already.", invoice_id=i.id)
    free = max(left_minor - i.deducted_minor, 0)
    if amount_minor > free:
        asked, undisputed = (spelt(minor, i.currency_code) for minor in (amount_minor, free))
        raise Refusal(
            "APPLIED_EXCEEDS_BALANCE",
            f"{asked} is to be deducted from invoice {i.id}, of which {undisputed} stays due and is not disputed yet.",
            invoice_id=i.id,
            balance_due_minor=left_minor,
            disputed_minor=min(i.deducted_minor, left_minor),
        )


def refuse_closed(d: Deduction) -> None:
    """409 for what is decided or withdrawn, and for what waits for approval."""
    if d.status is not DeductionStatus.OPEN:
        raise Refusal("DEDUCTION_CLOSED", f"Deduction {d.id} is {d.status}.", deduction_id=d.id, status=str(d.status))
    if d.asked_at is not None:
        raise Refusal(
            "DEDUCTION_AWAITS_APPROVAL",
            f"Deduction {d.id} is to be accepted: {d.approval_id} decides about it.",
            deduction_id=d.id,
            approval_id=d.approval_id,
        )
