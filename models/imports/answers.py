"""What imports answer. Rows and lines count from 1; amounts of a summary are in units of their currency."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from models.answers import answer, answer_from
from models.approvals.chain import StepStatus
from models.customers.diff import Diff
from models.imports.checked import RowFault
from models.imports.records import (
    Import,
    ImportFailure,
    ImportRow,
    ImportStatus,
    Pull,
    ReviewStep,
    RowState,
    SavedMapping,
)
from models.imports.requests import ImportOptions, Source
from models.imports.summary import ImportSummary


@answer
class ImportStepAnswer:
    """A step: 1 is the validation (`system`), the others are people's. Overdue at `due_at`, it goes to `fallback` (a role or a
    person) too; null before there is a review."""

    step: int
    role: str
    status: StepStatus
    decided_by: str | None
    decided_at: datetime | None
    reason_code: str | None
    comment: str | None
    due_at: datetime | None
    started_at: datetime | None
    on_behalf_of: str | None
    delegated_to: str | None
    delegated_by: str | None
    delegated_until: datetime | None
    escalated_at: datetime | None
    fallback: str | None


@answer
class PullAnswer:
    """How far the records of a connection have been fetched, and what hinders it."""

    connection: str
    pulled: int
    total: int | None
    complete: bool
    failures: int
    error: str | None
    next_attempt_at: datetime | None


@answer
class ImportProgressAnswer:
    """Where an import stands: its status and counters; the data of each server-sent event."""

    status: ImportStatus
    total_rows: int
    staged_rows: int
    validated_rows: int
    valid_rows: int
    error_rows: int
    warning_rows: int
    duplicate_rows: int
    executed_rows: int
    created: int
    updated: int
    skipped: int
    failed: int
    not_attempted: int
    batches_done: int
    batches_total: int
    pull: PullAnswer | None


@answer
class ImportColumn:
    """A column of the file, and the customer's field that it is; null: left out."""

    column: str
    field: str | None


@answer
class ImportAnswer(ImportProgressAnswer):
    """An import: where it stands, its steps, its counters, the summary of its validation or why it failed. `notice`: where an
    upload was found to be an earlier one, whose it is, and how to run it anew."""

    id: str
    workflow_id: str
    source: Source
    lane: str
    steps: Sequence[ImportStepAnswer]
    file_name: str | None
    file_bytes: int
    file_hash: str
    legal_entity_id: str
    submitted_by: str
    options: ImportOptions
    columns: Sequence[ImportColumn] | None
    delimiter: str | None
    summary: ImportSummary | None
    failure: ImportFailure | None
    created_at: datetime
    staged_at: datetime | None
    validated_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    pruned_at: datetime | None
    notice: str | None


def progress_answer(one: Import) -> ImportProgressAnswer:
    """The counters alone."""
    return ImportProgressAnswer(
        status=one.status,
        total_rows=one.total_rows,
        staged_rows=one.staged_rows,
        validated_rows=one.validated_rows,
        valid_rows=one.valid_rows,
        error_rows=one.error_rows,
        warning_rows=one.warning_rows,
        duplicate_rows=one.duplicate_rows,
        executed_rows=one.executed_rows,
        created=one.created,
        updated=one.updated,
        skipped=one.skipped,
        failed=one.failed,
        not_attempted=one.not_attempted,
        batches_done=one.batches_done,
        batches_total=one.batches_total,
        pull=None if one.pull is None else _pull_answer(one.pull),
    )


def import_answer(one: Import, notice: str | None = None) -> ImportAnswer:
    """The whole import."""
    layout = one.layout
    return answer_from(
        ImportAnswer,
        progress_answer(one),
        id=one.id,
        workflow_id=one.workflow_id,
        source=one.source,
        lane=one.lane,
        steps=_steps(one),
        file_name=one.file_name,
        file_bytes=one.file_bytes,
        file_hash=one.file_hash,
        legal_entity_id=one.legal_entity_id,
        submitted_by=one.submitted_by,
        options=one.options,
        columns=None
        if layout is None
        else [ImportColumn(column=c, field=f) for c, f in zip(layout.header, layout.fields, strict=False)],
        delimiter=None if layout is None else layout.delimiter,
        summary=one.summary,
        failure=one.failure,
        created_at=one.created_at,
        staged_at=one.staged_at,
        validated_at=one.validated_at,
        started_at=one.started_at,
        ended_at=one.ended_at,
        pruned_at=one.pruned_at,
        notice=notice,
    )


def _pull_answer(p: Pull) -> PullAnswer:
    return PullAnswer(
        connection=p.connection,
        pulled=p.pulled,
        total=p.total,
        complete=p.complete,
        failures=p.failures,
        error=p.error,
        next_attempt_at=p.next_attempt_at,
    )


def _steps(one: Import) -> list[ImportStepAnswer]:
    """The validation, automatic; then the people of the review, shown as waiting before there is any."""
    waiting = StepStatus.WAITING if one.is_open else StepStatus.SKIPPED
    if one.validated_at is not None:
        status = StepStatus.APPROVED
    elif one.status is ImportStatus.FAILED:
        status = StepStatus.REJECTED
    else:
        status = StepStatus.PENDING if one.is_open else StepStatus.SKIPPED
    shown = [_step(1, "system", status, decided_at=one.validated_at)]
    over = one.status in (ImportStatus.CANCELLED, ImportStatus.STOPPED)
    for s in one.steps:
        never = over and s.status in (StepStatus.PENDING, StepStatus.WAITING)
        shown.append(_step(s.step + 1, s.role, StepStatus.SKIPPED if never else s.status, s, s.decided_at))
    if not one.steps and not one.options.validate_only:
        shown.append(_step(2, "manager", waiting))
    return shown


def _step(
    number: int, role: str, status: StepStatus, of: ReviewStep | None = None, decided_at: datetime | None = None
) -> ImportStepAnswer:
    given = of.delegation if of else None
    return ImportStepAnswer(
        step=number,
        role=role,
        status=status,
        decided_by=of.decided_by if of else None,
        decided_at=decided_at,
        reason_code=of.reason_code if of else None,
        comment=of.comment if of else None,
        due_at=of.due_at if of else None,
        started_at=of.started_at if of else None,
        on_behalf_of=of.on_behalf_of if of else None,
        delegated_to=given.to if given else None,
        delegated_by=given.by if given else None,
        delegated_until=given.until if given else None,
        escalated_at=of.escalated_at if of else None,
        fallback=of.fallback if of else None,
    )


@answer
class ImportRowAnswer:
    """A row of the file: what became of it, what is wrong with it, and its cells by column name (a list, where it has
    more or fewer than the header; null once its time is over). `changes`: what it would change of the customer that it
    meets, while it waits; `customer_id`: the customer made, or met."""

    row: int
    line: int
    outcome: RowState
    codes: Sequence[str]
    errors: Sequence[RowFault]
    warnings: Sequence[str]
    customer_id: str | None
    changes: Diff | None
    values: JsonValue


def row_answer(row: ImportRow, values: JsonValue, changes: Diff | None) -> ImportRowAnswer:
    """The row, with its cells read again."""
    return ImportRowAnswer(
        row=row.row_no,
        line=row.line,
        outcome=row.outcome,
        codes=row.every_code,
        errors=row.errors or [],
        warnings=row.warnings or [],
        customer_id=row.record_id,
        changes=changes,
        values=values,
    )


@answer
class ImportMapping:
    """A saved mapping: column name → field of a customer; null leaves the column out."""

    name: str
    source: Source
    mapping: Mapping[str, str | None]
    updated_at: datetime
    updated_by: str


def mapping_answer(saved: SavedMapping) -> ImportMapping:
    """The mapping as its readers see it."""
    return ImportMapping(
        name=saved.name,
        source=saved.source,
        mapping=saved.mapping,
        updated_at=saved.updated_at,
        updated_by=saved.updated_by,
    )


@answer
class ImportMappings:
    """The mappings that an organisation has saved, by name."""

    items: Sequence[ImportMapping]


@answer
class ImportPresets:
    """The fields that a column may be mapped to; by source the field that each known column name (without case, spaces
    and punctuation) is."""

    fields: Sequence[str]
    presets: Mapping[str, Mapping[str, str]]
