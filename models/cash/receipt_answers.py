"""What recording a payment answers: the payment, and what became of the session that was asked for with it."""

from collections.abc import Sequence
from typing import Literal

from models.answers import JsonObject, answer, answer_from
from models.cash.answers import PaymentAnswer, SessionAnswer
from models.cash.records import Payment


@answer
class RecordedPaymentAnswer(PaymentAnswer):
    """A payment that was recorded with an application session. `session`: what apply answers; null where it was refused and
    the payment kept all the same: then `refusal` has the code, the detail and what else the refusal says."""

    session: SessionAnswer | None
    refusal: JsonObject | None


def recorded_answer(
    payment: PaymentAnswer, session: SessionAnswer | None, refusal: JsonObject | None = None
) -> RecordedPaymentAnswer:
    """The payment as the session left it, whether that was made now or before."""
    return answer_from(RecordedPaymentAnswer, payment, session=session, refusal=refusal)


def applied_answer(payment: PaymentAnswer, after: Payment, session: SessionAnswer) -> RecordedPaymentAnswer:
    """A payment with its first session, which has just been made and left it as `after`."""
    currencies = {a.invoice_currency_code for a in session.applications}
    return answer_from(
        RecordedPaymentAnswer, payment,
        status=after.status, applied_minor=after.applied_minor, unapplied_minor=after.unapplied_minor,
        available_minor=after.available_minor, invoice_currency_code=currencies.pop() if currencies else None,
        applications=session.applications, session=session, refusal=None,
    )  # fmt: skip


@answer
class BatchedPaymentAnswer:
    """A payment of a batch that is there. `index` counts from 0 in the order of the request."""

    index: int
    status: Literal["created", "replayed"]
    payment: RecordedPaymentAnswer | PaymentAnswer


@answer
class FailedPaymentAnswer:
    """A payment of a batch that was refused. `error` is the problem that it would have been answered alone."""

    index: int
    status: Literal["failed"]
    error: JsonObject


@answer
class PaymentBatchAnswer:
    """What became of each, in the order of the request."""

    items: Sequence[BatchedPaymentAnswer | FailedPaymentAnswer]
