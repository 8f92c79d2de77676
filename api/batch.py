"""Many writes in one request: each item its own transaction, one result per item, in the order of the request."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
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
from models.commands import Answered
from models.db.alone import alone
from models.db.tx import to_json
from models.errors import Refusal
from operations.commands import Submission, submit
from operations.runner import execute_item, finish_batch

Carry = Callable[[str, Answered | None], Awaitable[Answered]]
"""Carries the items out under the batch's command id, and answers them; or what is told after the answer that was kept first."""
Parse = Callable[[JsonObject], Write | list[dict[str, str]]]
"""An item as a write, or what is wrong with its body. Raises a Refusal for what else the door refuses."""


_running: Final[dict[str, asyncio.Future[Answered]]] = {}
"""The batches that this process carries out at the moment, by command."""
LOOK_SECONDS: Final = 0.25
"""So often who waits for a batch that another process carries out looks whether it is done."""


async def batched(request: Request, who: Principal, whole: Submission, carry: Carry) -> Written:
    """Keep the batch and have it carried out, by one at a time. Who sends it again meanwhile, to this process or to another one,
    waits for the same answer; where who carried it out is gone, the next one does, and the items are told apart by what
    each is known by."""
    engine: Engine = request.app.state.engine
    kept = await run_in_threadpool(submit, engine, who, whole)

    async def run() -> Answered:
        while True:
            held = ExitStack()
            mine = await run_in_threadpool(held.enter_context, alone(engine, f"arflow.batch:{kept.command_id}"))
            try:
                first = kept.answer
                if first is None and (kept.in_progress or not mine):  # it may have come since
                    first = (await run_in_threadpool(submit, engine, who, whole)).answer
                if first is not None:
                    return await carry(kept.command_id, first)
                if mine:
                    done = await carry(kept.command_id, None)
                    ended = await run_in_threadpool(finish_batch, engine, who.org_id, kept.command_id, done)
                    return await carry(kept.command_id, ended) if ended.replayed else done
            finally:
                await run_in_threadpool(held.close)
            await asyncio.sleep(LOOK_SECONDS)

    running = _running.get(kept.command_id)
    if running is None:
        running = _running[kept.command_id] = asyncio.ensure_future(run())
        running.add_done_callback(lambda _: _running.pop(kept.command_id, None))
    done = await asyncio.shield(running)  # others wait for it, whoever of them goes away
    return Written(replace(done, replayed=kept.in_progress))


async def write_batch(
    request: Request, who: Principal, key: RequestKey, operation: str, noun: str, items: Sequence[dict[str, Any]], parse: Parse
) -> Response:  # fmt: skip
    """Execute the items one by one. The batch as a whole is idempotent by its key, each item by its external_id."""
    engine: Engine = request.app.state.engine
    whole = submission(request, key, Write(operation, {"items": list(items)}, who.org_id))

    def one(item: dict[str, Any]) -> Submission | list[dict[str, str]]:
        parsed = parse(item)
        return submission(request, key, parsed) if isinstance(parsed, Write) else parsed

    def each() -> Answered:
        results = [{"index": n} | _result(engine, who, noun, partial(one, item)) for n, item in enumerate(items)]
        return Answered(to_json({"items": results}))

    async def carry(_: str, first: Answered | None) -> Answered:
        return await run_in_threadpool(each) if first is None else first

    return await batched(request, who, whole, carry)


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
