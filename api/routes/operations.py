"""Where a write stands that was answered with 202: poll until it has ended."""

from typing import Any

from fastapi import Request

from api.deps import Somebody
from api.gate import gated_router
from api.problems import problem_body, refusals
from api.reading import reading
from models.errors import Refusal
from operations.runner import refusal_from

router = gated_router("operations")


@router.get("/v1/operations/{workflow_id:path}", responses=refusals("OPERATION_NOT_FOUND"))
def get_operation(request: Request, workflow_id: str, who: Somebody) -> dict[str, Any]:
    """`status` running, completed or refused; with `http_status` and `result` or `error` once it has ended."""
    with reading(request, who) as tx:
        row = tx.one(
            "SELECT id, state, http_status, response, actor FROM commands WHERE org_id = :org AND workflow_id = :id "
            "ORDER BY created_at DESC LIMIT 1",
            id=workflow_id,
        )
    if row is None:
        raise Refusal("OPERATION_NOT_FOUND", f"There is no operation {workflow_id}.")
    found: dict[str, Any] = {"id": workflow_id, "workflow_id": workflow_id, "status": "running", "http_status": None}
    if row["state"] == "done":
        return {**found, "status": "completed", "http_status": row["http_status"], "result": row["response"]}
    if row["state"] == "refused":
        problem = problem_body(refusal_from(row["response"]))
        return {**found, "status": "refused", "http_status": problem["status"], "error": problem}
    return found
