"""Validation: every row judged by the rules of a single customer, then all of them against each other and the master.

Rows are judged in slices, each one transaction with its cursor; the comparison is a few statements over all rows, which
may be repeated without harm.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Final

from sqlalchemy import Engine

from models.db.engine import transaction
from models.db.imports import imports, matching, staging, summaries
from models.db.tx import Tx
from models.facts import Facts
from models.imports.checked import Checked
from models.imports.raw_rows import cells_of, objects_of
from models.imports.records import Import, ImportStatus
from models.imports.rows import RowChecker
from operations.imports.decisions import begin_review
from operations.imports.ends import end_import, import_work
from operations.imports.names import similar_names
from operations.imports.paying import find_refused_to_pay
from operations.imports.preview import find_refused, sample
from operations.imports.staging import Beat, Superseded, claim

SLICE: Final = 10_000


def validate(engine: Engine, org_id: str, import_id: str, beat: Beat, seconds: float) -> None:
    """Work for about `seconds`; the rest is for the next call. Moves the import on when every row is judged."""
    attempt = claim(engine, org_id, import_id, ImportStatus.VALIDATING)
    if attempt is None:
        return
    until = time.monotonic() + seconds
    checker: RowChecker | None = None
    while True:
        with transaction(engine, org_id) as tx:
            one = _mine(tx, import_id, attempt)
            if one.validated_rows >= one.total_rows:
                break
            checker = checker or _checker(tx, one)
            done = _slice(tx, one, checker)
        beat(done)
        if time.monotonic() > until:
            return
    for step in (
        matching.find_duplicates,
        matching.find_repeated,
        find_refused,
        find_refused_to_pay,
        similar_names,
        _conclude,
    ):
        with transaction(engine, org_id) as tx:
            step(tx, _mine(tx, import_id, attempt))
        beat(0)


def _mine(tx: Tx, import_id: str, attempt: int) -> Import:
    one = imports.get(tx, import_id, lock=True)
    if one.attempt != attempt or one.status is not ImportStatus.VALIDATING:
        raise Superseded(import_id)
    return one


def _checker(tx: Tx, one: Import) -> RowChecker:
    known = imports.known(tx, one.entities)
    return RowChecker(one.staged.header, one.staged.fields, one.source, one.legal_entity_id, known)


def _slice(tx: Tx, one: Import, checker: RowChecker) -> int:
    """Judge the next rows; the cursor moves with them. Answers where it stands."""
    upto = min(one.validated_rows + SLICE, one.total_rows)
    lines = staging.lines_between(tx, one.id, one.validated_rows, upto)
    raws = [line.raw for line in lines]
    judged: Iterable[Checked]
    if one.staged.format == "object":
        judged = map(checker.judge_object, objects_of(raws))
    else:
        judged = map(checker.judge_cells, cells_of(one.staged, raws))
    wrong = 0

    def numbered() -> Iterator[tuple[int, Checked]]:
        nonlocal wrong
        for line, row in zip(lines, judged, strict=True):
            wrong += bool(row.faults)
            yield line.row_no, row

    staging.copy_checked(tx, one.id, numbered())
    right = len(lines) - wrong
    moved = replace(one, validated_rows=upto, error_rows=one.error_rows + wrong, valid_rows=one.valid_rows + right)
    imports.save(tx, one, moved)
    return upto


def _conclude(tx: Tx, one: Import) -> None:
    """Count, sum up, and hand the import to its reviewers; with validate_only it ends here."""
    summary, counts = summaries.summary(tx, one)
    if summary.changes is not None:
        rows = sample(tx, one, [weighty.row for weighty in summary.changes.first])
        summary = replace(summary, changes=replace(summary.changes, rows=rows))
    work = import_work(tx, one)
    validated = replace(one, summary=summary, validated_at=tx.now, **asdict(counts))
    about: Facts = {"counts": asdict(counts), "codes": summary.codes, "would": summary.would}
    work.audit(one.id, "import.validated", about)
    if one.options.validate_only:
        end_import(work, imports.save(tx, one, validated), ImportStatus.VALIDATED)
    else:
        review = replace(validated, status=ImportStatus.AWAITING_REVIEW, steps=begin_review(tx, one))
        imports.save(tx, one, review)
    work.flush()
