"""Where a write stands that was answered with 202: poll until it has ended.

Whoever asked for the write is told, and whoever may read the record that it is about; its answer shows no more to anybody
than the record would.
"""

import json
from typing import Any, Final

from fastapi import Request

from api.deps import Somebody
from api.gate import gated_router
from api.problems import problem_body, refusals
from api.reading import reading, who_sees
from models.access import Principal
from models.cash.statement_answers import statement_answer
from models.cash.statement_records import CountedStatement, StatementStatus
from models.db.cash import statements
from models.db.commands import covers
from models.db.lookups import bank_account, refuse_missing
from models.db.tx import Row, Tx, to_json
from models.errors import Refusal
from models.messages.commands import command_of
from models.messages.statements import statement_workflow_id
from operations.runner import refusal_from

router = gated_router("operations")
_READ_WITH: Final = {
    "apply_credit": "payments.read",
    "apply_payment": "payments.read",
    "assign_payment": "payments.read",
    "complete_reconciliation": "payments.read",
    "draft_reconciliation": "payments.read",
    "record_payment": "payments.read",
    "reopen_reconciliation": "payments.read",
    "reverse_payment": "payments.read",
    "unapply_application": "payments.read",
    "escalate_case": "customers.read",
    "customer": "changes.read",
    "change": "changes.read",
    "import": "imports.read",
}
"""The permission that reads what an operation (or its family, before the dot) answers; `audit.read` for any other."""


@router.get("/v1/operations/{workflow_id:path}", responses=refusals("OPERATION_NOT_FOUND"))
def get_operation(request: Request, workflow_id: str, who: Somebody) -> dict[str, Any]:
    """`status` running, completed, refused or failed; with `http_status` and `result` or `error` once it has ended."""
    with reading(request, who) as tx:
        row = _command(tx, workflow_id, who.sub)
        if row is not None:
            _require_reader(tx, who, row)
            return _of_command(workflow_id, row)
        record = workflow_id.partition("/")[0]
        found = statements.find(tx, record)
        if found is None or workflow_id != statement_workflow_id(record):
            refuse_missing(tx, "operation", record)
        if not who.may("payments.read"):
            raise _not_yours()
        who_sees(who, bank_account(tx, found.bank_account_id).legal_entity_id)
        return _of_statement(workflow_id, found)


def _command(tx: Tx, workflow_id: str, asked_by: str) -> Row | None:
    """The run's command. Where it carries several, such as a change's, the latest of the person who asks, if any is theirs."""
    columns = "SELECT * FROM commands WHERE org_id = :org AND workflow_id = :id"
    row = tx.one(f"{columns} AND id = :command", id=workflow_id, command=command_of(workflow_id))
    return row or tx.one(
        f"{columns} ORDER BY (actor = :who) DESC, created_at DESC LIMIT 1", id=workflow_id, who=asked_by
    )


def _require_reader(tx: Tx, who: Principal, row: Row) -> None:
    """403 for who neither asked for it nor may read its record; the legal entities of the token count as for the record."""
    if row["actor"] == who.sub:
        return
    name = row["operation"]
    permission = _READ_WITH.get(name) or _READ_WITH.get(name.partition(".")[0], "audit.read")
    if not who.may(permission) or not covers(tx, who, row):
        raise _not_yours()


def _not_yours() -> Refusal:
    return Refusal("FORBIDDEN", "Neither have you asked for this nor may you read what it is about.")


def _of_command(workflow_id: str, row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"id": workflow_id, "workflow_id": workflow_id, "status": "running", "http_status": None}
    if row["state"] == "done":
        return {**found, "status": "completed", "http_status": row["http_status"], "result": row["response"]}
    if row["state"] == "refused":
        problem = problem_body(refusal_from(row["response"]))
        return {**found, "status": "refused", "http_status": problem["status"], "error": problem}
    return found


def _of_statement(workflow_id: str, s: CountedStatement) -> dict[str, Any]:
    found: dict[str, Any] = {"id": workflow_id, "workflow_id": workflow_id, "status": "running", "http_status": None}
    if s.status is StatementStatus.COMPLETED:
        result = json.loads(to_json(statement_answer(s)))
        return {**found, "status": "completed", "http_status": 200, "result": result}
    return {**found, "status": "failed", "error": s.failure} if s.status is StatementStatus.FAILED else found
