"""What is answered of what a credit note settled, wherever that is shown. Amounts in minor units."""

from datetime import date, datetime

from models.answers import answer
from models.cash.credit_notes import CreditNoteApplication, CreditNoteApplicationStatus


@answer
class CreditNoteApplicationAnswer:
    """What of a credit note settled one invoice. `payment_id`, `session_id`: the payment's session that it was part of, null
    where it was applied alone."""

    id: str
    status: CreditNoteApplicationStatus
    credit_note_id: str
    invoice_id: str
    applied_minor: int
    currency_code: str
    payment_id: str | None
    session_id: str | None
    effective_date: date
    applied_at: datetime
    unapplied_at: datetime | None


def credit_note_application_answer(a: CreditNoteApplication) -> CreditNoteApplicationAnswer:
    return CreditNoteApplicationAnswer(
        id=a.id,
        status=a.status,
        credit_note_id=a.credit_note_id,
        invoice_id=a.invoice_id,
        applied_minor=a.applied_minor,
        currency_code=a.currency_code,
        payment_id=a.payment_id,
        session_id=a.session_id,
        effective_date=a.effective_date,
        applied_at=a.created_at,
        unapplied_at=a.undone_at,
    )
