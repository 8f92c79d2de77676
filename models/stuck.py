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

    still: timedelta = timedelta(minutes=5)
    failing: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stuck:
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


@dataclass(frozen=True, slots=True)
class Figure:
    """One of what is counted over all organisations: so many, the oldest since (or due) then. `whose`: the role on whose desk
    it lies, `person`, or nothing."""

    figure: Literal["overdue", "due", "failing_webhooks", "webhook_deliveries", "commands"]
    whose: str
    number: int
    oldest: datetime | None


@answer
class Backlog:
    """What waits in one of Temporal's task queues: so many tasks, the oldest for so long, and how many workers take from it."""

    queue: str
    waiting: int
    oldest_seconds: float
    pollers: int


@answer
class FiguresAnswer:
    """What is open in all organisations together, whether or not anything is wrong with it."""

    open_exceptions: int
    overdue_exceptions: int
    failing_webhooks: int
    unsent_webhook_deliveries: int
    unfinished_commands: int
    oldest_unfinished_command_at: datetime | None


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
