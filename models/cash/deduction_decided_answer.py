"""What is answered when a deduction is decided."""

from collections.abc import Iterable, Sequence

from models.answers import answer, answer_from
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.credit_note_answers import CreditNoteAnswer, credit_note_answer
from models.cash.credit_notes import CreditNote, CreditNoteApplication
from models.cash.deduction_answers import DeductionAnswer, deduction_answer
from models.cash.deductions import Deduction


@answer
class DeductionDecidedAnswer(DeductionAnswer):
    """A deduction as it is decided, or waits for approval, and its invoice. `credit_note`: what accepting it made, with what that
    settles; else null."""

    credit_note: CreditNoteAnswer | None
    invoices: Sequence[InvoiceBalanceAnswer]


def deduction_decided_answer(
    d: Deduction, invoice: InvoiceBalanceAnswer, accepted: tuple[CreditNote, Iterable[CreditNoteApplication]] | None
) -> DeductionDecidedAnswer:
    return answer_from(
        DeductionDecidedAnswer,
        deduction_answer(d),
        credit_note=credit_note_answer(*accepted) if accepted else None,
        invoices=[invoice],
    )
