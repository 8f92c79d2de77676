"""Escalating a case: whose desk it lands on, and by when it has to be settled."""

from datetime import datetime, timedelta
from typing import Final

from models.access import ACCOUNT_MANAGER, CONTROLLER, CUSTOMER_SUCCESS_MANAGER
from models.customer_360.words import LEAST_URGENT
from models.exceptions.owners import DueTimes, due_times

OWNERS: Final = (CUSTOMER_SUCCESS_MANAGER, ACCOUNT_MANAGER, CONTROLLER)
"""Who owns an escalation, and who is asked next each time its due time passes."""
_HOURS: Final = {1: 4, 2: 8, 3: 24}
_HOURS_OTHERWISE: Final = 72


def deadline(priority_rank: int, now: datetime, seconds: int | None = None) -> DueTimes:
    """From the case's urgency (1 most urgent … LEAST_URGENT), or from the organisation's own time in seconds."""
    assert 1 <= priority_rank <= LEAST_URGENT
    allowed = (
        timedelta(hours=_HOURS.get(priority_rank, _HOURS_OTHERWISE)) if seconds is None else timedelta(seconds=seconds)
    )
    return due_times(now, allowed)
