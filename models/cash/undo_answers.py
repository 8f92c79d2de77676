"""What is answered of an adjustment, and of an application, that was undone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from models.answers import CurrencyAmountAnswer, answer, answer_from
from models.cash.adjustment_answers import AdjustmentAnswer, adjustment_answer
from models.cash.adjustments import Adjustment
from models.cash.answers import InvoiceBalanceAnswer, UnapplicationAnswer
from models.cash.records import Payment, PaymentApplication


@answer
class AdjustmentUndoneAnswer(AdjustmentAnswer):
    """An adjustment that was undone, its entry, and its invoice afterwards."""

    journal_entry_id: str
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]


def adjustment_undone_answer(
    a: Adjustment, entry_id: str, invoices: Sequence[InvoiceBalanceAnswer], owed: Sequence[CurrencyAmountAnswer]
) -> AdjustmentUndoneAnswer:
    return answer_from(
        AdjustmentUndoneAnswer,
        adjustment_answer(a),
        journal_entry_id=entry_id,
        invoices=invoices,
        outstanding_balances=owed,
    )


def unapplication_answer(
    a: PaymentApplication, p: Payment, entry_id: str, on: date, now: datetime, beside: Iterable[Adjustment],
    invoices: Sequence[InvoiceBalanceAnswer], owed: Sequence[CurrencyAmountAnswer],
) -> UnapplicationAnswer:  # fmt: skip
    """An application undone `now` as of the day `on`, with what was settled beside it, and its payment as it is then."""
    return UnapplicationAnswer(
        id=a.id,
        payment_id=p.id,
        invoice_id=a.invoice_id,
        applied_minor=a.applied_minor,
        currency_code=a.currency_code,
        unapplied_at=now,
        effective_date=on,
        status=p.status,
        unapplied_minor=p.unapplied_minor,
        available_minor=p.available_minor,
        journal_entry_id=entry_id,
        invoices=invoices,
        outstanding_balances=owed,
        adjustments=[
            adjustment_answer(replace(x, undone_at=now, undone_date=max(on, x.effective_date))) for x in beside
        ],
    )
