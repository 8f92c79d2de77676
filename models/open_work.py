"""What stands open in the books and needs a process to go on: as it is found, organisation by organisation."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A change or an import, and the step at which its process must show itself; None while it is just moving on."""

    id: str
    step: str | None


@dataclass(frozen=True, slots=True)
class OpenStatement:
    """A statement whose lines are being worked off, for who brought it."""

    id: str
    lines_total: int
    created_by: str


@dataclass(frozen=True, slots=True)
class UnconfirmedSession:
    """An application session of which nobody has noted whether its customer was told. `at`: when it was posted."""

    id: str
    payment_id: str
    customer_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenEscalation:
    """An escalation that is watched, and the command that made it, after which its process is named."""

    id: str
    case_id: str
    command_id: str


@dataclass(frozen=True, slots=True)
class OpenDeduction:
    """A deduction that is to be decided."""

    id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A request that was kept for a process and has not been carried out yet."""

    id: str
    operation: str
    workflow_id: str
    resource_id: str | None
