"""Many writes in one request: each item its own transaction, one result per item, in the order of the request."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.counting import count
from api.deps import RequestKey
from api.process import Write, answer, submission
from models.access import Principal
from models.errors import Refusal
from operations.commands import Submission, submit
from operations.runner import execute_item, finish_batch
from operations.work import Outcome

Parse = Callable[[dict[str, Any]], Write | list[dict[str, str]]]


async def run_batch(
    request: Request, who: Principal, key: RequestKey, operation: str, noun: str, items: Sequence[dict[str, Any]], parse: Parse
) -> Response:  # fmt: skip
    """Execute the items one by one. The batch as a whole is idempotent by its key, each item by its external_id."""
    engine: Engine = request.app.state.engine
    whole = submission(request, key, Write(operation, {"items": list(items)}, who.org_id))

    def run() -> Outcome:
        kept = submit(engine, who, whole)
        if kept.answer is not None:
            return kept.answer
        results = [_one(engine, who, whole, n, noun, parse(item)) for n, item in enumerate(items)]
        return finish_batch(engine, who.org_id, kept.command_id, Outcome({"items": results}))

    return answer(await run_in_threadpool(run))


def _one(
    engine: Engine, who: Principal, whole: Submission, index: int, noun: str, parsed: Write | list[dict[str, str]]
) -> dict[str, Any]:
    if isinstance(parsed, list):
        error = {"code": "VALIDATION_FAILED", "detail": "The item is not valid.", "errors": parsed}
        return {"index": index, "status": "failed", "error": error}
    try:
        done = execute_item(engine, who, whole, parsed.operation, parsed.body, parsed.record_id, parsed.subject_id)
    except Refusal as r:
        error = {"code": r.code, "detail": r.detail, "errors": [e.as_dict() for e in r.errors], **r.extra}
        return {"index": index, "status": "failed", "error": error}
    count(parsed.operation, done)
    return {"index": index, "status": "replayed" if done.replayed else "created", noun: done.body}
