"""The steps of an import, each a slice of work that may be repeated: the cursor is in the database."""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary, step_of
from models.db.engine import transaction
from models.db.imports import imports
from models.imports.records import Import, ImportStatus
from models.imports.review import chain_of
from models.messages.imports import NOT_THERE, ImportAct, ImportSignal, ImportState
from operations.approvals.tokens import decide_by_token
from operations.imports import execution as import_execution
from operations.imports import pulling as import_pulling
from operations.imports import review as import_review
from operations.imports import staging as import_staging
from operations.imports import validation as import_validation
from operations.imports.staging import Superseded
from operations.runner import execute
from sources.access import Access

SLICES = 3
"""So many work at once in a process; postings keep their processor."""
SLICE_SECONDS = 20.0
"""So long an activity works before it hands over: the next import of the queue gets its turn."""
CROWDED_SECONDS = 2.0
"""So long once every place is taken: somebody may be waiting. Not always, because each slice is six events of history."""
_BEAT_SECONDS = 2.0


class ImportActivities:
    """Bound to the worker's engine, and to what the operator lets connections use."""

    def __init__(self, engine: Engine, access: Access | None = None) -> None:
        self._engine = engine
        self._connector = import_pulling.Connector(access or Access())
        self._lock, self._working = threading.Lock(), 0

    @activity.defn(name="import_act", no_thread_cancel_exception=True)
    def act(self, what: ImportAct) -> ImportState:
        """Execute a person's act once, if there is one; answer where the import stands."""
        with boundary():
            if what.command_id:
                execute(self._engine, what.org_id, what.command_id)
            return self._state(what)

    @activity.defn(name="import_signal", no_thread_cancel_exception=True)
    def decide_by_signal(self, said: ImportSignal) -> ImportState:
        """Decide as the token's holder; a signal without a valid token is audited and changes nothing."""
        with boundary():
            refused = decide_by_token(self._engine, said.org_id, said.import_id, said.word, "signal")
            return replace(self._state(ImportAct(said.org_id, said.import_id)), refused=bool(refused))

    @activity.defn(name="import_stage", no_thread_cancel_exception=True)
    def stage(self, what: ImportAct) -> ImportState:
        """The whole file into staging, in one transaction; or a slice of the pages that it is made of first."""
        with step_of(what.import_id), _beating(), _not_superseded(), self._slice() as beat:
            one = self._import(what)
            if one is not None and one.is_pulling:
                import_pulling.pull(self._engine, what.org_id, what.import_id, self._connector, beat, SLICE_SECONDS)
            else:
                import_staging.stage(self._engine, what.org_id, what.import_id, _beat)
        return self._state(what)

    @activity.defn(name="import_validate", no_thread_cancel_exception=True)
    def validate(self, what: ImportAct) -> ImportState:
        """A slice of the rows; after the last, the comparison of all."""
        with step_of(what.import_id), _beating(), _not_superseded(), self._slice() as beat:
            import_validation.validate(self._engine, what.org_id, what.import_id, beat, SLICE_SECONDS)
        return self._state(what)

    @activity.defn(name="import_execute", no_thread_cancel_exception=True)
    def execute(self, what: ImportAct) -> ImportState:
        """Many batches, each a transaction of its own; hands over early when the worker is to end."""
        with step_of(what.import_id), _beating(), self._slice() as beat:
            import_execution.execute(self._engine, what.org_id, what.import_id, beat, SLICE_SECONDS)
        return self._state(what)

    @activity.defn(name="import_overdue", no_thread_cancel_exception=True)
    def overdue(self, what: ImportAct) -> ImportState:
        """The review is overdue: put it on the desk of its fallback, once."""
        with step_of(what.import_id):
            import_review.overdue(self._engine, what.org_id, what.import_id)
            return self._state(what)

    @contextmanager
    def _slice(self) -> Iterator[Callable[[int], None]]:
        """A place among the working. The beat that it gives, called with the rows done after a commit, ends the slice where
        every place is taken and this one has had its share."""
        began = time.monotonic()

        def beat(rows: int) -> None:
            _beat(rows)
            if rows and self._working >= SLICES and time.monotonic() - began > CROWDED_SECONDS:
                raise _HandOver

        with self._lock:
            self._working += 1
        try:
            yield beat
        except _HandOver:
            return
        finally:
            with self._lock:
                self._working -= 1

    def _import(self, what: ImportAct) -> Import | None:
        with transaction(self._engine, what.org_id, durable=False) as tx:
            return imports.find(tx, what.import_id)

    def _state(self, what: ImportAct) -> ImportState:
        with transaction(self._engine, what.org_id, durable=False) as tx:
            one, now = imports.find(tx, what.import_id), tx.now
        if one is None:
            return ImportState(NOT_THERE)
        retry_at = one.pull.next_attempt_at if one.pull is not None and one.is_pulling else None
        pending = chain_of(one).pending if one.status is ImportStatus.AWAITING_REVIEW else None
        due = None if pending is None or pending.escalated_at else pending.due_at
        return ImportState(
            one.status.value,
            one.total_rows,
            one.validated_rows,
            one.executed_rows,
            one.error_rows,
            one.failed,
            pending.role if pending else "",
            pending.number + 1 if pending else 0,
            _seconds_until(due, now),
            _seconds_until(retry_at, now),
        )


def _seconds_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max((at - now).total_seconds(), 0.0)


class _HandOver(Exception):
    """Another import may be waiting for this place; what has been committed stays."""


class _Ending(Exception):
    """The worker is to end: what has been committed stays, the rest is for another worker."""


def _beat(rows: int) -> None:
    activity.heartbeat(rows)
    if activity.is_worker_shutdown():
        raise _Ending


@contextmanager
def _not_superseded() -> Iterator[None]:
    """An overtaken attempt ends quietly: nobody waits for its answer."""
    try:
        yield
    except Superseded:
        return


@contextmanager
def _beating() -> Iterator[None]:
    """Heartbeats also while one long statement runs; the activity's own timeout bounds it."""
    over = threading.Event()
    context = contextvars.copy_context()

    def beat() -> None:
        while not over.wait(_BEAT_SECONDS):
            context.run(activity.heartbeat)

    thread = threading.Thread(target=beat, name=f"beat-{time.monotonic_ns()}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
