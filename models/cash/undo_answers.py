"""What is answered of an adjustment that was undone."""

from collections.abc import Sequence
from dataclasses import fields

from models.answers import CurrencyAmountAnswer, answer
from models.cash.adjustment_answers import AdjustmentAnswer, adjustment_answer
from models.cash.adjustments import Adjustment
from models.cash.answers import InvoiceBalanceAnswer


@answer
class AdjustmentUndoneAnswer(AdjustmentAnswer):
    """An adjustment that was undone, its entry, and its invoice afterwards."""

    journal_entry_id: str
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]


def adjustment_undone_answer(
    a: Adjustment, entry_id: str, invoices: Sequence[InvoiceBalanceAnswer], owed: Sequence[CurrencyAmountAnswer]
) -> AdjustmentUndoneAnswer:
    adjustment = adjustment_answer(a)
    shown = {f.name: getattr(adjustment, f.name) for f in fields(AdjustmentAnswer)}
    return AdjustmentUndoneAnswer(**shown, journal_entry_id=entry_id, invoices=invoices, outstanding_balances=owed)
