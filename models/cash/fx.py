"""Which stored rate holds on a date: direct, inverse, or across one third currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from models.money import cross, inverse

SERVES = timedelta(days=7)  # a rate serves its date and seven days after (weekends, bank holidays)


@dataclass(frozen=True)
class StoredRate:
    """`rate` units of quote per one unit of base on `rate_date`."""

    base: str
    quote: str
    rate_date: date
    rate: Decimal


def find_rate(rates: Iterable[StoredRate], base: str, quote: str, on: date) -> Decimal | None:
    """Units of `quote` per unit of `base` on that date, or None. The latest date wins, then direct, inverse, cross."""
    if base == quote:
        return Decimal(1)
    latest: dict[tuple[str, str], StoredRate] = {}
    for r in rates:
        if r.rate_date <= on <= r.rate_date + SERVES:
            known = latest.get((r.base, r.quote))
            if known is None or r.rate_date > known.rate_date:
                latest[r.base, r.quote] = r

    def leg(a: str, b: str) -> tuple[date, Decimal] | None:
        direct, back = latest.get((a, b)), latest.get((b, a))
        if direct and (not back or direct.rate_date >= back.rate_date):
            return direct.rate_date, direct.rate
        return (back.rate_date, inverse(back.rate)) if back else None

    found = leg(base, quote)
    if found:
        return found[1]
    crossed = []
    for middle in sorted({c for pair in latest for c in pair} - {base, quote}):
        first, second = leg(base, middle), leg(middle, quote)
        if first and second:
            crossed.append((min(first[0], second[0]), middle, cross(second[1], first[1])))
    return max(crossed, key=lambda c: (c[0], c[1]))[2] if crossed else None
