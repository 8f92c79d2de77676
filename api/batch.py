"""Many writes in one request: each item its own transaction, one result per item, in the order of the request."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from fastapi import Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.counting import count
from api.keys import RequestKey
from api.write import Write, Written, submission
from models.access import Principal
from models.answers import JsonObject
from models.db.tx import to_json
from models.errors import Refusal
from operations.commands import Submission, Submitted, submit
from operations.runner import execute_item, finish_batch
from operations.work import Answered

Parse = Callable[[JsonObject], Write | list[dict[str, str]]]
"""An item as a write, or what is wrong with its body. Raises a Refusal for what else the door refuses."""


_running: Final[dict[str, asyncio.Future[Answered]]] = {}
"""The batches that this process carries out at the moment, by command."""


async def write_batch(
    request: Request, who: Principal, key: RequestKey, operation: str, noun: str, items: Sequence[dict[str, Any]], parse: Parse
) -> Response:  # fmt: skip
    """Execute the items one by one. The batch as a whole is idempotent by its key, each item by its external_id."""
    engine: Engine = request.app.state.engine
    whole = submission(request, key, Write(operation, {"items": list(items)}, who.org_id))

    def one(item: dict[str, Any]) -> Submission | list[dict[str, str]]:
        parsed = parse(item)
        return submission(request, key, parsed) if isinstance(parsed, Write) else parsed

    def run(kept: Submitted) -> Answered:
        if kept.in_progress and (ended := submit(engine, who, whole).answer) is not None:
            return ended
        results = [{"index": n} | _result(engine, who, noun, partial(one, item)) for n, item in enumerate(items)]
        return finish_batch(engine, who.org_id, kept.command_id, Answered(to_json({"items": results})))

    kept = await run_in_threadpool(submit, engine, who, whole)
    if kept.answer is not None:
        return Written(kept.answer)
    running = _running.get(kept.command_id)
    if running is None:  # also where another process has it, or had: the items are told apart by their external_id
        running = _running[kept.command_id] = asyncio.ensure_future(run_in_threadpool(run, kept))
        running.add_done_callback(lambda _: _running.pop(kept.command_id, None))
    done = await asyncio.shield(running)  # others wait for it, whoever of them goes away
    return Written(replace(done, replayed=kept.in_progress))


def _result(
    engine: Engine, who: Principal, noun: str, read: Callable[[], Submission | list[dict[str, str]]]
) -> dict[str, Any]:
    try:
        item = read()
        if isinstance(item, list):
            error = {"code": "VALIDATION_FAILED", "detail": "The item is not valid.", "errors": item}
            return {"status": "failed", "error": error}
        done = execute_item(engine, who, item)
    except Refusal as r:
        return {"status": "failed", "error": r.as_problem()}
    count(item.operation, done)
    return {"status": "replayed" if done.replayed else "created", noun: json.loads(done.json)}
