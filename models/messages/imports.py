"""What the import process is started with, told and answered: ids and counts only."""

from dataclasses import dataclass, field
from typing import Any

IMPORT_QUEUE = "imports"
"""Of their own, so that a million rows never stand in a posting's way."""
PROCESS = "CustomerImport"
NOT_THERE = "REFUSED"
"""The status of an import that is not in the books: refused, another one's repetition, or gone."""
RELOAD_SIGNAL = "reload"
"""Look again: the import was moved outside its process."""


def import_workflow_id(import_id: str) -> str:
    """One run at a time per import."""
    return f"{import_id}/{PROCESS}"


@dataclass
class ImportInput:
    """`command_id` names the kept upload; it is empty after a continue-as-new, when the upload is long recorded."""

    org_id: str
    import_id: str
    command_id: str = ""


@dataclass
class ImportAct:
    """A person's act (decide, pause, resume, cancel), kept as a command; none: only look."""

    org_id: str
    import_id: str
    command_id: str = ""


@dataclass
class ImportSignal:
    """A reviewer's decision by signal as it came, whatever it is."""

    org_id: str
    import_id: str
    word: Any = None


@dataclass
class ImportState:
    """Where the import stands. `due_in`: seconds until the review is overdue, None where nobody is waited for.
    `retry_in`: seconds until a source that fails is asked again, None where nothing has to wait. `refused`: a signal
    changed nothing."""

    status: str
    total_rows: int = 0
    validated_rows: int = 0
    executed_rows: int = 0
    error_rows: int = 0
    failed: int = 0
    awaiting_role: str = ""
    step: int = 0
    due_in: float | None = None
    retry_in: float | None = None
    refused: bool = False


@dataclass
class ImportResult:
    """How it ended."""

    status: str
    total_rows: int = 0


@dataclass
class FeedFiles:
    """The imports that a look into the partner folder found."""

    imports: list[ImportInput] = field(default_factory=list)
