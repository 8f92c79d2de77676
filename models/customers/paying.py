"""For whom a customer pays: another's invoices, on the days between two ends that both belong to it, open where null.

One customer is named at most once a day; nobody pays for itself; and nobody pays, through whomever, for one who pays for it on
the same day: who is liable could no longer be told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Protocol

from models.checks import invalid

REACH: Final = 32
"""Links along which a circle is looked for: no group of companies is deeper."""


class Paying(Protocol):
    """See `models.customers.records.PaysForRecord`."""

    @property
    def customer_id(self) -> str: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_until(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, ends included."""

    first: date
    last: date

    @classmethod
    def of(cls, one: Paying) -> "Days":
        """When it holds."""
        return cls(one.valid_from or date.min, one.valid_until or date.max)

    def within(self, other: "Days") -> "Days | None":
        """The days of both; None where there is none."""
        both = Days(max(self.first, other.first), min(self.last, other.last))
        return both if both.first <= both.last else None


def check_periods(items: Iterable[Paying]) -> None:
    """Refuse two entries that name one customer on one day: PAYS_FOR_OVERLAP."""
    by_customer: dict[str, list[Days]] = {}
    for one in items:
        by_customer.setdefault(one.customer_id, []).append(Days.of(one))
    for periods in by_customer.values():
        periods.sort(key=lambda d: d.first)
        if any(earlier.last >= later.first for earlier, later in pairwise(periods)):
            raise invalid("PAYS_FOR_OVERLAP", "pays_for names one customer twice on the same day.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayingLink:
    """That one customer pays for another, as it is kept."""

    payer_id: str
    customer_id: str
    valid_from: date | None
    valid_until: date | None


def circle(payer_id: str, own: Iterable[Paying], links: Mapping[str, Sequence[PayingLink]]) -> str | None:
    """The customer for whom `payer_id` (with `own` entries) may not pay, since it pays for the payer on one of these days,
    itself or through others. `links`: the entries of the others, by payer."""
    for one in own:
        waiting = [(one.customer_id, Days.of(one))]
        seen = set(waiting)
        while waiting:
            at, days = waiting.pop()
            for link in links.get(at, ()):
                both = days.within(Days.of(link))
                if both is None or (further := (link.customer_id, both)) in seen:
                    continue
                if link.customer_id == payer_id:
                    return one.customer_id
                seen.add(further)
                waiting.append(further)
    return None
