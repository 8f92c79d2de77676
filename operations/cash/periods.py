"""Months closed and reopened by a controller. Nobody posts meanwhile: the runner holds the organisation's periods alone."""

from datetime import date

from models.cash.book_answers import ChangedPeriodAnswer
from models.cash.periods import last_day
from models.cash.records import Period, PeriodStatus
from models.cash.requests import ChangePeriod
from models.db.cash import periods
from models.facts import Facts
from operations.cash.payments import post_receipt
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark


@operation("close_period", ChangePeriod, ChangedPeriodAnswer)
def close_period(work: Work, asked: ChangePeriod) -> Outcome[ChangedPeriodAnswer]:
    """Close a month: receipts not yet in the books are posted first, then nothing is posted into it any more."""
    return _change(work, asked, PeriodStatus.CLOSED)


@operation("reopen_period", ChangePeriod, ChangedPeriodAnswer)
def reopen_period(work: Work, asked: ChangePeriod) -> Outcome[ChangedPeriodAnswer]:
    """Open a closed month again."""
    return _change(work, asked, PeriodStatus.OPEN)


def _change(work: Work, asked: ChangePeriod, status: PeriodStatus) -> Outcome[ChangedPeriodAnswer]:
    period = str(work.cmd.resource_id)
    known = periods.get(work.tx, period)
    current = known.status if known else PeriodStatus.OPEN
    if current is status:  # whoever asks for what is already so has got it
        return Outcome(ChangedPeriodAnswer(period=period, status=status, receipts_posted=0), replayed=True)
    entries = _post_receipts_of(work, period) if status is PeriodStatus.CLOSED else []
    periods.keep(work.tx, Period(period=period, status=status, changed_at=work.now, changed_by=work.cmd.actor))
    posted = len(entries)
    changed: Facts = {
        "period": period,
        "before": current,
        "after": status,
        "receipts_posted": posted,
        "entries": entries,
    }
    work.audit(f"period_{period}", f"period.{status}", changed, reason_code=asked.reason_code)
    return Outcome(ChangedPeriodAnswer(period=period, status=status, receipts_posted=posted))


def _post_receipts_of(work: Work, period: str) -> list[dict[str, str]]:
    marks: list[dict[str, str]] = []
    for held in periods.unposted_receipts(work.tx, date.fromisoformat(f"{period}-01"), last_day(period)):
        mark = entry_mark(post_receipt(work, held))
        marks += mark
        work.audit(held.payment.id, "payment.receipt_posted", {"because": f"period {period} closes", "entries": mark})
    return marks
