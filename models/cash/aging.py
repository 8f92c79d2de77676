"""Aging: which bucket an open balance stands in, and what a customer owes on a day. Pure; amounts in minor units.

Buckets go by days past due on the day asked about, gross of credits (docs/api.md, section 3):
fewer than 30 (`current`: not yet due, or 1 to 29 days over), 30 to 59, 60 to 89, 90 and more.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

BUCKETS = ("not_due_minor", "overdue_1_29_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")
EDGES = (1, 30, 60, 90)
"""The days past due with which the second and later buckets begin; SQL's width_bucket() goes by the same."""


def bucket(days_past_due: int) -> str:
    """The finest bucket of a balance; on its due date an invoice is 0 days past due."""
    return BUCKETS[bisect_right(EDGES, days_past_due)]


@dataclass
class Aged:
    """Balances of one currency, summed into buckets, and the customer's money against them."""

    buckets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    disputed_minor: int = 0
    unapplied_minor: int = 0
    credits_minor: int = 0
    credit_notes_minor: int = 0

    def add(self, days_past_due: int, minor: int, disputed_minor: int = 0) -> None:
        self.put(bucket(days_past_due), minor, disputed_minor)

    def put(self, name: str, minor: int, disputed_minor: int = 0) -> None:
        """A balance in its bucket; `disputed_minor`: what of it is contested."""
        self.buckets[name] += minor
        self.disputed_minor += disputed_minor

    def put_funds(self, unapplied_minor: int, credits_minor: int) -> None:
        """Money of the customer's against what is open."""
        self.unapplied_minor += unapplied_minor
        self.credits_minor += credits_minor

    def put_notes(self, minor: int) -> None:
        """What credit notes take back that no invoice has taken yet."""
        self.credit_notes_minor += minor

    @property
    def owed_minor(self) -> int:
        """What receivables carry: everything open, less the open credit notes."""
        return self.total_minor - self.credit_notes_minor

    @property
    def total_minor(self) -> int:
        """Everything open, gross of credits."""
        return sum(self.buckets.values())

    @property
    def overdue_minor(self) -> int:
        """Everything that is past its due date."""
        return self.total_minor - self.buckets["not_due_minor"]

    def as_dict(self) -> dict[str, int]:
        """The figures as the API names them."""
        b = self.buckets
        return {
            "current_minor": b["not_due_minor"] + b["overdue_1_29_minor"],
            "days_30_minor": b["days_30_minor"],
            "days_60_minor": b["days_60_minor"],
            "days_90plus_minor": b["days_90plus_minor"],
            "not_due_minor": b["not_due_minor"],
            "overdue_1_29_minor": b["overdue_1_29_minor"],
            "total_minor": self.total_minor,
            "unapplied_minor": self.unapplied_minor,
            "credits_minor": self.credits_minor,
            "credit_notes_minor": self.credit_notes_minor,
            "net_minor": self.owed_minor - self.unapplied_minor - self.credits_minor,
            "disputed_minor": self.disputed_minor,
        }


@dataclass(frozen=True)
class Funds:
    """What is left of one payment on a day, in its own currency and in its entity's: in credits, and unapplied."""

    unapplied_minor: int
    credits_minor: int
    functional_unapplied_minor: int
    functional_credits_minor: int


def split_funds(left: int, worth: int, in_credits: int, credits_worth: int) -> Funds:
    """What is left of a payment, divided between its credits and what is unapplied.

    A credit made today counts from the payment's date, as everything in aging does; on a day on which more of the
    payment was applied than today, it held no more than what was left then.
    """
    if left < 0:  # applied anew from an earlier day than the one the former application was undone for
        return Funds(left, 0, worth, 0)
    if left <= in_credits:
        return Funds(0, left, 0, worth)
    return Funds(left - in_credits, in_credits, worth - credits_worth, credits_worth)


def summed(parts: Iterable[Aged]) -> Aged:
    """Several of one currency together."""
    total = Aged()
    for part in parts:
        for name in BUCKETS:
            total.buckets[name] += part.buckets[name]
        total.disputed_minor += part.disputed_minor
        total.put_funds(part.unapplied_minor, part.credits_minor)
        total.put_notes(part.credit_notes_minor)
    return total
