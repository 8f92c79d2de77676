"""Working through a bank statement."""

import time

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import step_of
from models.messages.statements import ChunkResult, StatementInput
from operations.cash import statement_chunks

SLICE_SECONDS = 20.0  # one activity does chunks for this long, then reports and is called again
PAUSE_SECONDS = 0.005  # between chunks, so that a clerk's postings get their turn


class StatementActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="record_and_apply", no_thread_cancel_exception=True)
    def record_and_apply(self, start: StatementInput) -> ChunkResult:
        """Chunks of up to 200 lines, each one transaction with its cursor; a retry goes on where the last one ended."""
        until = time.monotonic() + SLICE_SECONDS
        with step_of(start.statement_id):
            while True:
                done, total = statement_chunks.next_chunk(self._engine, start)
                activity.heartbeat(done)
                if done >= total or time.monotonic() > until or activity.is_worker_shutdown():
                    return ChunkResult(done, total, done < total)
                time.sleep(PAUSE_SECONDS)
