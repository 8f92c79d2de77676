"""Escalating a case: whose desk it lands on, and by when it has to be settled."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.access import ACCOUNT_MANAGER, CONTROLLER, CUSTOMER_SUCCESS_MANAGER
from models.customer_360.words import LEAST_URGENT

OWNERS: Final = (CUSTOMER_SUCCESS_MANAGER, ACCOUNT_MANAGER, CONTROLLER)
"""Who owns an escalation, and who is asked next each time its due time passes."""
_HOURS: Final = {1: 4, 2: 8, 3: 24}
_HOURS_OTHERWISE: Final = 72


@dataclass(frozen=True)
class Deadline:
    """Reminded half-way, due at the end (both UTC)."""

    remind_at: datetime
    due_at: datetime


def deadline(priority_rank: int, now: datetime, seconds: int | None = None) -> Deadline:
    """From the case's urgency (1 most urgent … LEAST_URGENT), or from the organisation's own time in seconds."""
    assert 1 <= priority_rank <= LEAST_URGENT
    allowed = (
        timedelta(hours=_HOURS.get(priority_rank, _HOURS_OTHERWISE)) if seconds is None else timedelta(seconds=seconds)
    )
    return Deadline(now + allowed / 2, now + allowed)


def next_owner(role: str) -> str:
    """Who is asked when `role` let the due time pass; the last one stays."""
    at = OWNERS.index(role) if role in OWNERS else len(OWNERS) - 1
    return OWNERS[min(at + 1, len(OWNERS) - 1)]
