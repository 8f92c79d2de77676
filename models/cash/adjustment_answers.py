"""What is answered of adjustments. Amounts in minor units of the currency beside them."""

from datetime import date, datetime

from models.answers import answer
from models.cash.adjustments import ACCOUNTS, Adjustment, AdjustmentKind, AdjustmentStatus


@answer
class AdjustmentAnswer:
    """What an application settled of its invoice without money. `tax_minor`: what of it comes off the tax payable;
    `functional_minor`: what receivables lose by it."""

    id: str
    kind: AdjustmentKind
    status: AdjustmentStatus
    account: str
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    payment_id: str
    application_id: str
    session_id: str
    amount_minor: int
    tax_minor: int
    currency_code: str
    functional_minor: int
    functional_currency: str
    reason_code: str
    note: str | None
    effective_date: date
    created_at: datetime
    created_by: str
    undone_at: datetime | None
    undone_date: date | None
    undo_reason: str | None


def adjustment_answer(a: Adjustment) -> AdjustmentAnswer:
    return AdjustmentAnswer(
        id=a.id,
        kind=a.kind,
        status=a.status,
        account=ACCOUNTS[a.kind],
        invoice_id=a.invoice_id,
        customer_id=a.customer_id,
        legal_entity_id=a.legal_entity_id,
        payment_id=a.payment_id,
        application_id=a.application_id,
        session_id=a.session_id,
        amount_minor=a.amount_minor,
        tax_minor=a.tax_minor,
        currency_code=a.currency_code,
        functional_minor=a.functional_minor,
        functional_currency=a.functional_currency,
        reason_code=a.reason_code,
        note=a.note,
        effective_date=a.effective_date,
        created_at=a.created_at,
        created_by=a.created_by,
        undone_at=a.undone_at,
        undone_date=a.undone_date,
        undo_reason=a.undo_reason,
    )
