"""Imports and their rows as they are kept. Field names are the columns'; times are UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from models.answers import answer
from models.approvals.chain import Delegation, StepStatus
from models.imports.checked import RowFault
from models.imports.files import Layout
from models.imports.requests import ImportOptions, Source
from models.imports.summary import ImportSummary, of_earlier_builds


class ImportStatus(StrEnum):
    """STAGING → VALIDATING → AWAITING_REVIEW → EXECUTING ⇄ PAUSED → an end."""

    STAGING = "STAGING"
    VALIDATING = "VALIDATING"
    AWAITING_REVIEW = "AWAITING_REVIEW"
    EXECUTING = "EXECUTING"
    PAUSED = "PAUSED"
    VALIDATED = "VALIDATED"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    STOPPED = "STOPPED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


OPEN: Final = frozenset(
    {
        ImportStatus.STAGING,
        ImportStatus.VALIDATING,
        ImportStatus.AWAITING_REVIEW,
        ImportStatus.EXECUTING,
        ImportStatus.PAUSED,
    }
)
"""An import in another status has ended."""

Outcome = Literal["created", "updated", "skipped", "failed"]
RowState = Literal["created", "updated", "skipped", "failed", "error", "pending", "not_attempted"]
"""A row's outcome, or what can be said of one that has none yet."""


@answer
class ImportFailure:
    """Why an import failed: the place in the file, from 1; the beginning, where it is all of the file."""

    code: str
    detail: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStep:
    """One step of the review; its spans in seconds."""

    step: int
    role: str
    status: StepStatus
    decided_by: str | None = None
    decided_at: datetime | None = None
    on_behalf_of: str | None = None
    reason_code: str | None = None
    comment: str | None = None
    started_at: datetime | None = None
    remind_at: datetime | None = None
    due_at: datetime | None = None
    escalated_at: datetime | None = None
    remind_after: float
    escalate_after: float
    fallback: str
    delegation: Delegation | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """How far the records of a connection have been fetched. `page` and `last` are the source's own words for where it
    stands; `before`: records of earlier queries; `fetched`: all pages are kept, `complete`: as a file that can be staged.
    `failures` in a row since `failing_since`; the source is not asked again before `next_attempt_at`."""

    connection: str
    columns: Sequence[str] | None = None
    page: str | None = None
    last: str | None = None
    pulled: int = 0
    before: int = 0
    total: int | None = None
    pieces: int = 0
    bytes: int = 0
    fetched: bool = False
    complete: bool = False
    restarts: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    error: str | None = None
    next_attempt_at: datetime | None = None

    def waits(self, now: datetime) -> bool:
        """Whether the source is not to be asked yet."""
        return self.next_attempt_at is not None and self.next_attempt_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file of customers, or one pull, on its way. `entities`: those that its uploader's token covered (None: all).
    `attempt` numbers who works on it: a later one overtakes. The cursors are `staged_rows`, `validated_rows` and
    `executed_rows`."""

    id: str
    status: ImportStatus
    source: Source
    lane: str = "yellow"
    options: ImportOptions
    options_hash: str
    file_name: str | None
    file_hash: str
    file_bytes: int
    legal_entity_id: str
    submitted_by: str
    entities: frozenset[str] | None
    command_id: str
    request_id: str
    workflow_id: str
    layout: Layout | None = None
    steps: Sequence[ReviewStep] = ()
    batch_size: int
    attempt: int = 0
    staged_rows: int = 0
    total_rows: int = 0
    validated_rows: int = 0
    valid_rows: int = 0
    error_rows: int = 0
    warning_rows: int = 0
    duplicate_rows: int = 0
    executed_rows: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    not_attempted: int = 0
    batches_done: int = 0
    batches_total: int = 0
    summary: Annotated[ImportSummary | None, BeforeValidator(of_earlier_builds)] = None
    failure: ImportFailure | None = None
    created_at: datetime
    staged_at: datetime | None = None
    validated_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    pull: Pull | None = None
    pruned_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def is_pulling(self) -> bool:
        """Whether its records still have to be fetched."""
        return self.status is ImportStatus.STAGING and self.pull is not None and not self.pull.complete

    @property
    def staged(self) -> Layout:
        """The layout, of an import whose rows are staged."""
        assert self.layout is not None, f"import {self.id} is not staged"
        return self.layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A staged row with what validation said and what became of it. `record_id`: the customer made, or met. `raw` is
    null once its time is over; `executed`: the outcome is final."""

    row_no: int
    line: int
    raw: str | None
    errors: Sequence[RowFault] | None
    warnings: Sequence[str] | None
    duplicate: Sequence[str] | None
    codes: Sequence[str] | None
    executed: bool
    record_id: str | None
    outcome: RowState

    @property
    def every_code(self) -> list[str]:
        """The codes of the row: its outcome's where it has one, else what validation found."""
        found = list(self.codes or ())
        if not self.executed:
            found += [*(e.code for e in self.errors or ()), *(self.duplicate or ()), *(self.warnings or ())]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row that made no customer."""

    row_no: int
    outcome: Outcome
    codes: Sequence[str] | None
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class EndedImport:
    """An import that has ended, whose rows still have their texts. `changed`: customers created and updated."""

    id: str
    total_rows: int
    changed: int
    ended_at: datetime
    request_id: str
    workflow_id: str


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """Column names of a source's files and the customer's fields that they are; null leaves a column out."""

    name: str
    source: Source
    mapping: Mapping[str, str | None]
    updated_at: datetime
    updated_by: str
