"""Execution: batch by batch in file order, each batch one transaction with its outcomes, audit, outbox and cursor.

What a row does is decided against the master as it is now, under locks: rows of earlier batches are in it. Most rows meet
nobody and are created by one statement. The special ones follow in file order. That order changes nothing: a row that is
not special shares no key with any earlier row of the file.

stop_on_error: the first row that fails ends the batch before it, is recorded as failed, and stops the import.
"""

import time
from dataclasses import replace
from typing import Final

import psycopg
from sqlalchemy import Engine

from models.db.attempts import attempts
from models.db.engine import transaction
from models.db.imports import execution as store
from models.db.imports import imports
from models.db.refused import CODE, RACES, RefusedByDatabase, final_refusal
from models.db.tx import Tx
from models.imports.records import Import, ImportStatus
from operations.imports.batch import Batch, Collision, Execution
from operations.imports.ends import end_import, import_work
from operations.imports.staging import Beat, claim
from operations.work import Work

ATTEMPTS: Final = 8


def execute(engine: Engine, org_id: str, import_id: str, beat: Beat, seconds: float) -> None:
    """Run batches for about `seconds`; the rest is for the next call. Stops where the import is no longer EXECUTING."""
    attempt = claim(engine, org_id, import_id, ImportStatus.EXECUTING)
    until = time.monotonic() + seconds
    while attempt is not None:  # by the time alone: a limit of batches would make many short slices of small ones
        done = _next_batch(engine, org_id, import_id, attempt)
        if done is None or time.monotonic() > until:
            return
        beat(done)


def _next_batch(engine: Engine, org_id: str, import_id: str, attempt: int) -> int | None:
    """One batch; where the cursor stands, or None where there is nothing more to do in this attempt."""
    careful = False
    try:
        for tried in attempts(engine, org_id, times=ATTEMPTS, again=(*RACES, Collision)):
            with tried as tx:
                one = imports.get(tx, import_id, lock=True)
                if one.attempt != attempt or one.status is not ImportStatus.EXECUTING:
                    return None
                # Somebody else made or erased a customer that the batch was about to: look again, at each.
                look, careful = careful, True
                done = _run(tx, one, look)
        return done
    except (Collision, RefusedByDatabase):
        return _next_by_rows(engine, org_id, import_id, attempt)


def _next_by_rows(engine: Engine, org_id: str, import_id: str, attempt: int) -> int | None:
    """The batch row by row, where something in it is refused by the database for good: that row fails, the others do not."""
    with transaction(engine, org_id) as tx:
        one = imports.get(tx, import_id, lock=True)
        if one.attempt != attempt or one.status is not ImportStatus.EXECUTING:
            return None
        return _run(tx, one, careful=True, by_rows=True)


def _run(tx: Tx, one: Import, careful: bool, *, by_rows: bool = False) -> int | None:
    first, last = one.executed_rows + 1, min(one.executed_rows + one.batch_size, one.total_rows)
    work = import_work(tx, one)
    batch = _row_by_row(work, one, first, last) if by_rows else Execution(work, one, careful=careful).run(first, last)
    store.outcomes(tx, one.id, batch.rows)
    cursor = batch.stopped_at or last
    after = replace(
        one,
        executed_rows=cursor,
        batches_done=one.batches_done + 1,
        created=one.created + batch.created,
        updated=one.updated + batch.count("updated"),
        skipped=one.skipped + batch.count("skipped"),
        failed=one.failed + batch.count("failed"),
    )
    imports.save(tx, one, after)
    ended = batch.stopped_at is not None or cursor >= one.total_rows
    if ended:
        clean = ImportStatus.COMPLETED if after.failed == 0 else ImportStatus.COMPLETED_WITH_ERRORS
        end_import(work, after, ImportStatus.STOPPED if batch.stopped_at else clean)
    work.flush()
    return None if ended else cursor


def _row_by_row(work: Work, one: Import, first: int, last: int) -> Batch:
    """Each row behind a savepoint of its own; what it has to say is said where it stays."""
    whole = Batch()
    for row_no in range(first, last + 1):
        own = import_work(work.tx, one)
        try:
            with work.tx.savepoint("one_row"):
                row = Execution(own, one, careful=True).run(row_no, row_no)
        except Collision:
            row = _refused_row(row_no, "EXTERNAL_ID_CONFLICT")
        except psycopg.Error as e:
            if final_refusal(e) is None:
                raise
            row = _refused_row(row_no, CODE)
        else:
            work.take(own)
        whole.add(row)
        if one.options.stop_on_error and whole.has_failed:
            whole.stopped_at = row_no
            break
    return whole


def _refused_row(row_no: int, code: str) -> Batch:
    refused = Batch()
    refused.note(row_no, "failed", (code,))
    return refused
