"""How a customer change reaches its process: submitted by starting it, moved on by updates to it.

The answer waits for the commit, of which the worker tells (models/db/answered.py), or for the end of the update, whichever
is heard of first, and up to five seconds; then it is 202 with a `Location` to poll, and the work goes on,
or 503 where the server does not answer that it has the process.
A process that was lost (its server's data, not ours) is started again from what the database knows.
"""

import asyncio
import json
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

import structlog
from fastapi import Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.counting import count
from api.deps import RequestKey
from api.process import Write, accepted, answer, keep_request, read_answer, refusal_of, submission
from api.read_row import read_row
from models.access import Principal
from models.db.customers.changes import IS_OPEN
from models.errors import Refusal
from models.ids import new_id
from models.messages.changes import (
    CARRY,
    CHANGES_QUEUE,
    EDITION,
    PROCESS,
    ActInput,
    ChangeInput,
    change_of,
    change_workflow_id,
)
from operations.commands import Submitted
from operations.runner import execute
from operations.work import Answered

WAIT_SECONDS: Final = 5.0
KNOWN_TIMEOUT: Final = timedelta(seconds=2)
_CARRYING: Final[set["asyncio.Future[None]"]] = set()
"""Calls that outlive their requests; asyncio alone would let go of them."""
log = structlog.get_logger("arflow.api")
_ORG, _PROCESS, _CHANGE = (SearchAttributeKey.for_keyword(n) for n in ("OrgId", "ProcessType", "ChangeId"))


async def submit_change(request: Request, who: Principal, key: RequestKey, w: Write) -> Response:
    """Keep the submission, start the change's process and wait until it has been accepted or refused."""
    kept = await keep_request(request, who, submission(request, key, w, change_workflow_id(new_id("chg"))))
    workflow_id = str(kept.workflow_id)
    if kept.answer is not None:
        return answer(kept.answer, str(json.loads(kept.answer.json).get("workflow_id", workflow_id)))
    start = ChangeInput(who.org_id, change_of(workflow_id), kept.command_id, EDITION)
    summary = f"{w.summary} {start.change_id}"
    return await _answered(
        request, who, w, kept, _started(request, workflow_id, start, summary, "submitted", None, kept)
    )


async def act_on_change(request: Request, who: Principal, key: RequestKey, w: Write, update: str) -> Response:
    """Keep the command and carry it into the change's process; without one, into the database, which then refuses it."""
    workflow_id = change_workflow_id(w.record_id)
    wanted = submission(request, key, w, workflow_id)
    kept = await keep_request(request, who, wanted)
    if kept.answer is not None:
        return answer(kept.answer, workflow_id)
    return await _answered(request, who, w, kept, _carried(request, who, kept, workflow_id, update), kept.command_id)


async def _carried(request: Request, who: Principal, kept: Submitted, workflow_id: str, update: str) -> None:
    client: Client = request.app.state.temporal
    engine: Engine = request.app.state.engine
    change_id = change_of(workflow_id)
    if await read_row(request.app.state, who.org_id, IS_OPEN, {"org": who.org_id, "id": change_id}) is None:
        # Unknown, over, or another organisation's, whose process must never hear of it: the operation says which.
        await run_in_threadpool(execute, engine, who.org_id, kept.command_id)
        return
    try:
        handle = client.get_workflow_handle(workflow_id)
        await handle.execute_update(update, ActInput(kept.command_id), id=kept.command_id)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        start = ChangeInput(who.org_id, change_id, edition=EDITION)
        await _started(request, workflow_id, start, f"Customer change {change_id}", update, kept.command_id, kept)
    except WorkflowUpdateFailedError as failed:
        if not isinstance(failed.cause, ApplicationError) or failed.cause.type != "PROCESS_ENDED":
            raise
        await run_in_threadpool(execute, engine, who.org_id, kept.command_id)


async def _started(
    request: Request, workflow_id: str, start: ChangeInput, summary: str, update: str, act: str | None, kept: Submitted
) -> None:
    client: Client = request.app.state.temporal
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(_ORG, start.org_id),
            SearchAttributePair(_PROCESS, PROCESS),
            SearchAttributePair(_CHANGE, start.change_id),
        ]
    )
    operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        PROCESS,
        start,
        id=workflow_id,
        task_queue=CHANGES_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=summary,
        search_attributes=attributes,
    )
    args = [] if act is None else [ActInput(act)]
    await client.execute_update_with_start_workflow(
        update, args=args, start_workflow_operation=operation, id=f"{update}-{kept.command_id}"
    )


async def _answered(
    request: Request, who: Principal, w: Write, kept: Submitted, work: Awaitable[None], act: str = ""
) -> Response:
    workflow_id = str(kept.workflow_id)
    carrying = asyncio.ensure_future(work)
    with request.app.state.answered.awaited(kept.command_id) as told:
        await asyncio.wait({carrying, told}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not carrying.done():
        _let_go_on(carrying)
        if not told.done():
            return await _under_way(request.app.state.temporal, workflow_id, act)
    elif not told.done():
        _raise_what_it_raised(carrying)
    found = await read_answer(request, who, kept.command_id)
    done = Answered(found.json, found.status, found.replayed or kept.in_progress)
    count(w.operation, done)
    return answer(done, str(json.loads(done.json).get("workflow_id")))


def _raise_what_it_raised(carried: "asyncio.Future[None]") -> None:
    try:
        carried.result()
    except WorkflowUpdateFailedError as failed:
        raise refusal_of(failed) from None
    except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError):
        raise _not_taken() from None


def _let_go_on(carrying: "asyncio.Future[None]") -> None:
    """The call outlives its request: an update that no worker has taken yet must not be forgotten with who brought it."""
    _CARRYING.add(carrying)
    carrying.add_done_callback(_carried_to_its_end)


async def _under_way(client: Client, workflow_id: str, act: str) -> Response:
    """202 promises that the work goes on: only where the server answers that it has it.

    It has the process, with its submission. An update that no worker has taken yet it has in memory alone; so what the
    update carries, `act`, goes to the process as a signal as well, which is written down. Whichever comes first does it.
    """
    handle = client.get_workflow_handle(workflow_id)
    try:
        if act:
            await handle.signal(CARRY, ActInput(act), rpc_timeout=KNOWN_TIMEOUT)
        else:
            await handle.describe(rpc_timeout=KNOWN_TIMEOUT)
    except RPCError:
        raise _not_taken() from None
    return accepted(workflow_id)


def _carried_to_its_end(carrying: "asyncio.Future[None]") -> None:
    _CARRYING.discard(carrying)
    if not carrying.cancelled() and (error := carrying.exception()) is not None:
        log.info("a change's answer came after its request", error=type(error).__name__)


def _not_taken() -> Refusal:
    return Refusal("UNAVAILABLE", "The request is kept; ask again with the same Idempotency-Key.", retry_after=2)
