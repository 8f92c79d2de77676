"""Where a write stands that was answered with 202: poll until it has ended."""

from typing import Any

from fastapi import Request

from api.deps import Somebody
from api.gate import gated_router
from api.problems import problem_body, refusals
from api.reading import reading
from models.db.cash.statements import COUNTS, statement_body
from models.db.lookups import refuse_missing
from models.db.tx import Row, Tx
from models.messages.commands import command_of
from models.messages.statements import statement_workflow_id
from operations.runner import refusal_from

router = gated_router("operations")


@router.get("/v1/operations/{workflow_id:path}", responses=refusals("OPERATION_NOT_FOUND"))
def get_operation(request: Request, workflow_id: str, who: Somebody) -> dict[str, Any]:
    """`status` running, completed, refused or failed; with `http_status` and `result` or `error` once it has ended."""
    with reading(request, who) as tx:
        row = _command(tx, workflow_id)
        if row is not None:
            return _of_command(workflow_id, row)
        record = workflow_id.partition("/")[0]
        found = tx.one("SELECT * FROM statements WHERE org_id = :org AND id = :id", id=record)
        if found is None or workflow_id != statement_workflow_id(record):
            refuse_missing(tx, "operation", record)
        return _of_statement(tx, workflow_id, found)


def _command(tx: Tx, workflow_id: str) -> Row | None:
    columns = "SELECT state, http_status, response FROM commands WHERE org_id = :org AND workflow_id = :id"
    row = tx.one(f"{columns} AND id = :command", id=workflow_id, command=command_of(workflow_id))
    return row or tx.one(f"{columns} ORDER BY created_at DESC LIMIT 1", id=workflow_id)


def _of_command(workflow_id: str, row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"id": workflow_id, "workflow_id": workflow_id, "status": "running", "http_status": None}
    if row["state"] == "done":
        return {**found, "status": "completed", "http_status": row["http_status"], "result": row["response"]}
    if row["state"] == "refused":
        problem = problem_body(refusal_from(row["response"]))
        return {**found, "status": "refused", "http_status": problem["status"], "error": problem}
    return found


def _of_statement(tx: Tx, workflow_id: str, s: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"id": workflow_id, "workflow_id": workflow_id, "status": "running", "http_status": None}
    if s["status"] == "COMPLETED":
        body = statement_body(s, tx.one(COUNTS, id=s["id"]))
        return {**found, "status": "completed", "http_status": 200, "result": body}
    return {**found, "status": "failed", "error": s["failure"]} if s["status"] == "FAILED" else found
