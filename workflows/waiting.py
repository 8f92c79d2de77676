"""How long a process waits for a time that the database named."""

from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow

LATE: Final = timedelta(milliseconds=250)
"""A little late rather than early: the transaction compares the database's clock with the due time."""


def left(seconds: float | None, until: datetime) -> timedelta:
    """As many `seconds` as the database said there are. A build that says none said the time alone; Temporal's own clock is
    compared with it then, and where that is ahead, the process would look again and again until the other has come."""
    known = timedelta(seconds=seconds) if seconds is not None else until - workflow.now()
    return max(known, timedelta(0)) + LATE
