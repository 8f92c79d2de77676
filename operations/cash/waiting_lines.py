"""Lines that no invoice answered, tried again when an invoice comes that they name: by the rules of an upload, no others."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Engine

from models.cash.references import reference_key
from models.db import lookups
from models.db.cash import statements, waiting_lines
from models.db.cash.waiting_lines import WaitingStatement
from models.db.engine import transaction
from models.db.postgres.connection import ThreadConnection
from models.errors import Refusal
from models.messages.statements import StatementInput, statement_workflow_id
from models.outbox import OutboxEvent
from operations.cash.line_matching import match_again
from operations.commands import own_command
from operations.work import Work

log = structlog.get_logger("arflow.statements")
ACTOR = "process:ImportStatement"
ISSUED = "invoice.created"


def awaited(conn: ThreadConnection, events: Sequence[OutboxEvent]) -> list[WaitingStatement]:
    """Of published events, the statements whose lines wait for an invoice that was issued."""
    keys: dict[str, set[str]] = {}
    for event in events:
        if event.type == ISSUED:
            named = (str(event.data["invoice_id"]), str(event.data["external_id"]))
            keys.setdefault(event.org_id, set()).update(reference_key(name) for name in named)
    return [s for org, wanted in keys.items() for s in waiting_lines.statements_waiting_for(conn, org, sorted(wanted))]


def match_waiting(engine: Engine, start: StatementInput) -> int:
    """Match the lines of a statement again that name invoices issued since; how many were applied. Each line is a transaction
    of its own: one that is refused, or that somebody is working on, waits for the next time."""
    with transaction(engine, start.org_id) as tx:
        found = waiting_lines.answered_lines(tx, start.statement_id)
    applied = 0
    for line in found:
        try:
            applied += _match(engine, start, line.line)
        except Refusal as refusal:
            log.info("line not matched", statement_id=start.statement_id, line=line.line, code=refusal.code)
    return applied


def _match(engine: Engine, start: StatementInput, number: int) -> bool:
    with transaction(engine, start.org_id) as tx:
        statement = statements.lock(tx, start.statement_id)
        line = statements.line_of(tx, statement.id, number)
        if line is None or line.payment_id is None:
            return False
        cmd = own_command(
            "match_later", actor=ACTOR, workflow_id=statement_workflow_id(statement.id), resource_id=statement.id
        )
        work = Work(tx, replace(cmd, id=f"{statement.id}/{number}/later"))
        applied = match_again(work, lookups.bank_account(tx, statement.bank_account_id), line, line.payment_id)
        if applied:
            work.audit(statement.id, "statement.line_matched_later", {"line": number, "payment_id": line.payment_id})
        work.flush()
    return applied
