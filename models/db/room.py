"""Whether PostgreSQL has room for what is written, as this process was told: it says so of a write, and of nothing else."""

import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from models.stuck import Trouble

DISK_FULL: Final = "DISK_FULL"
REMEMBERED: Final = timedelta(minutes=2)
"""So long after the last refusal it counts as over: somebody wrote meanwhile, or nobody did."""
_LIMIT: Final = 10_000
_refusals: Final = deque[datetime](maxlen=_LIMIT)
_lock: Final = threading.Lock()


def note(error: psycopg.Error) -> None:
    """Remember it, where it is for want of room that a write was refused."""
    if isinstance(error, psycopg.errors.DiskFull):
        with _lock:
            _refusals.append(datetime.now(UTC))


def trouble() -> Trouble | None:
    """How many writes were refused, the first of them then, as long as the last is not long ago."""
    with _lock:
        if _refusals and _refusals[-1] < datetime.now(UTC) - REMEMBERED:
            _refusals.clear()
        return Trouble(DISK_FULL, len(_refusals), _refusals[0]) if _refusals else None
