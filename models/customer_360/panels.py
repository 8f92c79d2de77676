"""The panels of the 360 view, and when what one shows is too old."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PANELS: Final = ("opportunities", "quotes", "orders", "ar_aging", "cases", "contracts", "nps", "activities")
TIMELINE: Final = 50
"""Activities that the view shows, and that a source is asked for: the latest."""
EXTERNAL: Final = frozenset({"opportunities", "quotes", "orders", "cases", "contracts", "nps", "activities"})
"""Panels that an external system may serve. The books are ours; what a system says of the timeline stands beside what our people
logged."""

MAX_AGE: Final = timedelta(minutes=5)
REFRESH_WAIT_SECONDS: Final = 1.5
"""How long a request waits for a source before it shows what there is."""


@dataclass(frozen=True)
class Freshness:
    """Where a panel stands: who serves it, when that source last answered (None: never), what went wrong since."""

    source: str
    as_of: datetime | None = None
    error_code: str | None = None
    attempted_at: datetime | None = None
    next_attempt_at: datetime | None = None

    def stale(self, now: datetime) -> bool:
        """Older than five minutes, or never there, or of a time that is still to come: then the database's clock was put
        back, and how old it is nobody knows. What stands in our own tables is never stale."""
        return self.as_of is None or not timedelta(0) <= now - self.as_of <= MAX_AGE

    def worth_asking(self, now: datetime) -> bool:
        """Stale, and neither has the source just failed nor is it being asked for longer than a request would wait."""
        if not self.stale(now):
            return False
        if self.next_attempt_at is None or self.next_attempt_at <= now:
            return True
        if self.attempted_at is not None and self.attempted_at > now:  # the clock was put back
            return True
        just_asked = self.attempted_at is not None and (now - self.attempted_at).total_seconds() < REFRESH_WAIT_SECONDS
        return just_asked and self.error_code is None


def retry_in(failures: int) -> timedelta:
    """How long a failing source is left alone for this customer and panel: 5 s doubling to 5 minutes."""
    return min(timedelta(seconds=5 * 2 ** min(failures, 10)), MAX_AGE)
