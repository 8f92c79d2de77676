"""Accounting periods are calendar months, open until closed. Pure."""

from collections.abc import Collection
from datetime import date

from models.errors import Refusal


def period_of(day: date) -> str:
    """YYYY-MM."""
    return f"{day:%Y-%m}"


def first_of_next(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def last_day(period: str) -> date:
    first = date.fromisoformat(f"{period}-01")
    return date.fromordinal(first_of_next(first).toordinal() - 1)


def entry_date(wanted: date, closed: Collection[str]) -> date:
    """`wanted` if its month is open, else the first day of the first open month after it."""
    day = wanted
    while period_of(day) in closed:
        day = first_of_next(day)
    return day


def explicit_entry_date(posting_date: date | None, otherwise: date, closed: Collection[str]) -> date:
    """The posting date as given (422 PERIOD_CLOSED in a closed month), else `entry_date(otherwise)`."""
    if posting_date is None:
        return entry_date(otherwise, closed)
    if period_of(posting_date) in closed:
        raise Refusal("PERIOD_CLOSED", f"Period {period_of(posting_date)} is closed.", period=period_of(posting_date))
    return posting_date
