"""What stands still: open, and without a step for longer than anything takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from models.answers import answer

NOT_MOVING: Final = "not_moving"
"""The kind of the exceptions about it; `step_failing` is that of a step that fails again and again."""
STEP_FAILING: Final = "step_failing"
OWNER: Final = "ops"
DUE_IN: Final = timedelta(hours=1)
"""Somebody's money or decision is held up; the person on call looks now."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long without a step, and how long failing in the same way, before somebody is told."""

    standing: timedelta = timedelta(minutes=5)
    failing: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that stands still: `where` it stood when it was last seen to move, `since` when."""

    reason_code: str
    subject_id: str
    since: datetime
    where: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong in all organisations together: so many of it, the oldest since then."""

    what: str
    number: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """So many processes of a kind are there; the last of all was seen at that time."""

    number: int
    at: datetime | None


@answer
class TroubleAnswer:
    """So many of it; the oldest since then."""

    what: str
    number: int
    oldest: datetime | None


@answer
class ProcessesAnswer:
    """When one of its kind was last seen, and how many there are."""

    kind: Literal["api", "worker"]
    number: int
    last_seen_at: datetime | None
