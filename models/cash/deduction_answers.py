"""What is answered of deductions. Amounts in minor units of the currency beside them."""

from datetime import datetime

from models.answers import answer
from models.cash.deductions import Deduction, DeductionStatus


@answer
class DeductionAnswer:
    """A deduction as it stands. `owner_role`, `owner_user`: whose desk it lies on; `due_at`: by when it is to be decided (UTC);
    `approval_id`: of the approval that accepting it needed, `awaits_approval` while that decides; `credit_note_id`,
    `accepted_minor`: what accepting it gave."""

    id: str
    status: DeductionStatus
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
    owner_role: str | None
    owner_user: str | None
    due_at: datetime
    reminded_at: datetime | None
    awaits_approval: bool
    approval_id: str | None
    credit_note_id: str | None
    accepted_minor: int | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    end_note: str | None


def deduction_answer(d: Deduction) -> DeductionAnswer:
    return DeductionAnswer(
        id=d.id,
        status=d.status,
        invoice_id=d.invoice_id,
        customer_id=d.customer_id,
        legal_entity_id=d.legal_entity_id,
        payment_id=d.payment_id,
        session_id=d.session_id,
        amount_minor=d.amount_minor,
        currency_code=d.currency_code,
        reason_code=d.reason_code,
        customer_reason=d.customer_reason,
        note=d.note,
        owner_role=d.owner_role,
        owner_user=d.owner_user,
        due_at=d.due_at,
        reminded_at=d.reminded_at,
        awaits_approval=d.asked_at is not None,
        approval_id=d.approval_id,
        credit_note_id=d.credit_note_id,
        accepted_minor=d.accepted_minor,
        created_at=d.created_at,
        created_by=d.created_by,
        ended_at=d.ended_at,
        ended_by=d.ended_by,
        end_reason=d.end_reason,
        end_note=d.end_note,
    )
