"""On whose desk something is, until when, and on whose it is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class DueTimes:
    """Reminded half-way, due at the end (both UTC)."""

    remind_at: datetime
    due_at: datetime


def due_times(now: datetime, allowed: timedelta) -> DueTimes:
    """Of what has so much time from now on."""
    return DueTimes(now + allowed / 2, now + allowed)


def next_owner(owners: Sequence[str], role: str) -> str:
    """Who is asked when `role` let the due time pass; the last of the owners stays, and stands in for who is none of them."""
    at = owners.index(role) if role in owners else len(owners) - 1
    return owners[min(at + 1, len(owners) - 1)]
