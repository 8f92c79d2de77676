"""One chunk of a bank statement: up to 200 lines recorded, matched, posted, in one transaction with its cursor."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from psycopg import errors as pg
from sqlalchemy import Engine

from models.cash.statement_records import StatementStatus
from models.db import lookups
from models.db.attempts import attempts
from models.db.cash import statements
from models.db.engine import transaction
from models.db.refused import RACES
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import has_prefix
from models.messages.statements import StatementInput, statement_workflow_id
from operations.cash.returned_receipts import settle_returns
from operations.cash.statement_lines import Chunk
from operations.cash.waiting_lines import match_waiting
from operations.commands import own_command
from operations.work import Work

CHUNK = 200
_GONE: Final = frozenset({"STATEMENT_NOT_FOUND", "ORG_CONTEXT_MISMATCH"})


def next_chunk(engine: Engine, start: StatementInput) -> tuple[int, int]:
    """Work the next lines off; answers (lines done, lines in all). Raises STATEMENT_NOT_FOUND.

    A chunk that is refused for good, by a rule or by the database, is done line by line: only the line that cannot be
    recorded is left to a person.
    """
    try:
        if _is_worked_off(engine, start):
            match_waiting(engine, start)
        return _tried(engine, start, partial(_chunk, size=CHUNK))
    except Refusal as refusal:
        if refusal.code in _GONE:
            raise
    for _ in range(CHUNK):
        try:
            done, total = _tried(engine, start, partial(_chunk, size=1))
        except Refusal as refusal:
            done, total = _tried(engine, start, partial(_chunk, size=1, failed=refusal.code))
        if done >= total:
            break
    return done, total


def _is_worked_off(engine: Engine, start: StatementInput) -> bool:
    """Whether its lines are done: then it is looked at again because something came that they waited for."""
    with transaction(engine, start.org_id, durable=False) as tx:
        return statements.is_worked_off(tx, start.statement_id)


def _tried(
    engine: Engine, start: StatementInput, do: Callable[[Tx, StatementInput], tuple[int, int]]
) -> tuple[int, int]:
    """One transaction. Raises Refusal, also for what the database refuses."""
    for attempt in attempts(engine, start.org_id, again=(*RACES, pg.LockNotAvailable)):
        with attempt as tx:
            done = do(tx, start)
    return done


def _chunk(tx: Tx, start: StatementInput, *, size: int, failed: str | None = None) -> tuple[int, int]:
    """The next lines, or, with `failed`, the next as FAILED for this reason, and an exception that says why."""
    statement = statements.lock(tx, start.statement_id)
    total = statement.lines_total
    if statement.status is not StatementStatus.PROCESSING:
        return total, total
    bank = lookups.bank_account(tx, statement.bank_account_id)
    entity = lookups.legal_entity(tx, bank.legal_entity_id)
    lines = statements.pending_lines(tx, statement.id, size)
    cmd = own_command(
        "statement_chunk", actor=statement.created_by, request_id=_request_of(start),
        workflow_id=statement_workflow_id(start.statement_id), resource_id=start.statement_id,
    )  # fmt: skip
    work = Work(tx, replace(cmd, id=f"{start.statement_id}/chunk"))
    chunk = Chunk(work, statement, bank, entity)
    counted = chunk.run(lines) if failed is None else chunk.leave(lines, failed)
    finished = len(lines) < size or statement.lines_done + len(lines) >= total
    if finished:
        settle_returns(work, statement, bank)
    statements.advance(tx, statement.id, len(lines), finished=finished)
    work.audit(statement.id, "statement.completed" if finished else "statement.progressed", counted)
    work.flush()
    return (total if finished else statement.lines_done + len(lines)), total


def _request_of(start: StatementInput) -> str | None:
    """The request that brought it, where it is one: whoever reaches Temporal may have started the process. Who brought it is
    read from the statement."""
    return start.request_id if has_prefix(start.request_id, "req") else None
