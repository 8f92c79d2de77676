"""How an operation's commands are executed: said beside its registration, read by whoever takes the request.

`read_with` is the permission that reads the record which the operation answers: whoever has it may also follow a command that
was answered with 202 (`/v1/operations`).
"""

from dataclasses import dataclass
from typing import ClassVar

from models.ids import new_id
from models.messages.approvals import approval_workflow_id
from models.messages.changes import change_workflow_id
from models.messages.commands import posting_workflow_id
from models.messages.imports import import_workflow_id


@dataclass(frozen=True)
class InPlace:
    """In one transaction, by the process that took the request: there is nothing to follow but the trail."""

    read_with: ClassVar[str] = "audit.read"


@dataclass(frozen=True)
class Posting:
    """By a process of its own, begun for this one command and answered at its commit."""

    process: str
    read_with: str = "payments.read"


@dataclass(frozen=True)
class Change:
    """By the process of a customer change, which hears of the command by this update: `submitted` begins the process."""

    update: str
    read_with: ClassVar[str] = "changes.read"

    @property
    def begins(self) -> bool:
        """Whether the change, and its process, begin with the command."""
        return self.update == "submitted"


@dataclass(frozen=True)
class Approval:
    """By the process of an approval of its own, which hears of the command by this update. To read it takes, beside, what reads
    the approvals of its kind."""

    update: str
    read_with: ClassVar[str] = "changes.read"


@dataclass(frozen=True)
class Import:
    """By the process of an import: begun with the upload, or told of a person's act while it runs."""

    begins: bool = False
    read_with: ClassVar[str] = "imports.read"


@dataclass(frozen=True)
class Statement:
    """In place; what was received is then worked off by a process."""

    read_with: ClassVar[str] = "payments.read"


Execution = InPlace | Posting | Change | Approval | Import | Statement


def workflow_id(execution: Execution, record_id: str, command_id: str) -> str | None:
    """The id of the process that carries the command, where one does."""
    match execution:
        case Posting(process):
            return posting_workflow_id(process, record_id, command_id)
        case Change():
            return change_workflow_id(new_id("chg") if execution.begins else record_id)
        case Approval():
            return approval_workflow_id(record_id)
        case Import():
            return import_workflow_id(record_id)
        case InPlace() | Statement():
            return None
