"""Messages and workflow id of the process of a deduction: ids and times only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

PROCESS: Final = "ResolveDeduction"
LOOK_AGAIN: Final = "look_again"
"""The signal that something has happened to it."""


@dataclass
class DeductionInput:
    """A deduction that is in the books."""

    org_id: str
    deduction_id: str


@dataclass
class DeductionTimes:
    """Where a deduction stands. `open` False: nothing is to be watched any more. `next_at`: when the next deadline comes,
    `next_in`: in so many seconds, by the clock that it is of; `needless_approval`: an approval that was withdrawn with it, whose
    process is to be told."""

    status: str
    open: bool
    role: str = ""
    next_at: datetime | None = None
    due_at: datetime | None = None
    needless_approval: str = ""
    next_in: float | None = None


def resolve_workflow_id(deduction_id: str) -> str:
    return f"{deduction_id}/{PROCESS}"
