"""How a write reaches its operation: kept as a command, then executed, by a process of Temporal or in place.

The answer waits for the commit and for nothing else. A caller whose answer got lost sends the same request again:
with the same Idempotency-Key (or external_id) it is told what happened the first time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from api.counting import count
from api.deps import RequestKey
from api.read_row import read_row
from models.access import Principal
from models.db.commands import ANSWER, KEEP, answer_of, first_of
from models.db.tx import to_json
from models.errors import Refusal
from models.ids import new_id
from models.messages.commands import POSTING_QUEUE, CommandInput, posting_workflow_id
from models.values import Body
from operations.answers import awaited
from operations.commands import Submission, Submitted, command_row, is_another_persons, require_cover, submitted
from operations.runner import refusal_from, rehearse, run_now
from operations.work import Answered

WAIT_SECONDS: Final = 5.0
START_TIMEOUT: Final = timedelta(seconds=WAIT_SECONDS)
"""A server that takes a start and never answers it costs the caller this, not the SDK's half minute."""
EAGER_SECONDS: Final = 1.0
"""How long an eager start is trusted to be carried out here: a healthy one takes a few hundredths of that."""
TASK_TIMEOUT: Final = timedelta(seconds=2)
_KEYS: Final[Mapping[str, SearchAttributeKey[str]]] = {
    name: SearchAttributeKey.for_keyword(name) for name in ("OrgId", "ProcessType", "CustomerId", "PaymentId")
}


@dataclass(frozen=True)
class Write:
    """A write as its route describes it. `record_id`: the record the process is about (its id is in the URL of the
    Temporal UI); `subject_id`: whose audit trail a refusal joins."""

    operation: str
    body: Body | dict[str, Any]
    record_id: str
    subject_id: str | None = None
    customer_id: str | None = None
    process: str = ""
    summary: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def submission(
    request: Request, key: RequestKey, w: Write, workflow_id: str | None = None, command_id: str | None = None
) -> Submission:
    return Submission(
        operation=w.operation,
        path=request.url.path,
        body=w.body,
        idempotency_key=key.value,
        key_given=key.given,
        request_id=request.state.request_id,
        resource_id=w.record_id,
        subject_id=w.subject_id or w.record_id,
        customer_id=w.customer_id,
        workflow_id=workflow_id,
        command_id=command_id,
    )


async def write_now(request: Request, who: Principal, key: RequestKey, w: Write) -> Response:
    """Execute in this process: for writes that are one transaction and no process."""
    return answer(await run_now_in_thread(request, who, key, w))


async def run_now_in_thread(request: Request, who: Principal, key: RequestKey, w: Write) -> Answered:
    """As `write_now`, for a route that has more to do before it answers."""
    engine: Engine = request.app.state.engine
    done = await run_in_threadpool(run_now, engine, who, submission(request, key, w))
    count(w.operation, done)
    return done


def _marked(done: Answered, kept: Submitted) -> Answered:
    return Answered(done.json, done.status, done.replayed or kept.in_progress)


async def dry_run(request: Request, who: Principal, key: RequestKey, w: Write) -> Response:
    """What would be answered; changes nothing."""
    engine: Engine = request.app.state.engine
    return answer(await run_in_threadpool(rehearse, engine, who, submission(request, key, w)))


async def keep_request(request: Request, who: Principal, s: Submission) -> Submitted:
    """`submit`, on the event loop."""
    row = command_row(who, s)
    sent = {"org": who.org_id, "row": to_json(row)}
    while (first := first_of(await read_row(request.app.state, who.org_id, KEEP, sent))) is None:
        pass  # as in submit
    if is_another_persons(who, first):
        await run_in_threadpool(require_cover, request.app.state.engine, who, first)
    return submitted(row, first, s.asked)


async def run_process(request: Request, who: Principal, key: RequestKey, w: Write) -> Response:
    """Start the write's process (eagerly, on the worker in this process) and wait for its commit."""
    client: Client = request.app.state.temporal
    command_id = new_id("cmd")
    workflow_id = posting_workflow_id(w.process, w.record_id, command_id)
    kept = await keep_request(request, who, submission(request, key, w, workflow_id, command_id))
    if kept.answer is not None:
        count(w.operation, kept.answer)
        return answer(kept.answer, kept.workflow_id)
    chosen_id = kept.workflow_id or workflow_id
    request.state.workflow_id = chosen_id  # the middleware answers it, on a refusal too
    with awaited(kept.command_id, kept.command) as told:
        handle = await _start(client, who.org_id, kept.command_id, chosen_id, w)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                found = await _answer(handle, asyncio.wrap_future(told))
        except WorkflowFailureError as failure:
            raise refusal_of(failure) from None
        except (TimeoutError, RPCError):
            return accepted(chosen_id)
    if found is None:
        found = await read_answer(request, who, kept.command_id)
    done = _marked(found, kept)
    count(w.operation, done)
    return answer(done, chosen_id)


async def _start(
    client: Client, org_id: str, command_id: str, workflow_id: str, w: Write
) -> "WorkflowHandle[Any, Any]":
    attributes = {"OrgId": org_id, "ProcessType": w.process, **w.attributes}
    try:
        return await client.start_workflow(
            w.process,
            CommandInput(org_id, command_id, w.summary),
            id=workflow_id,
            task_queue=POSTING_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            request_eager_start=True,
            rpc_timeout=START_TIMEOUT,
            task_timeout=TASK_TIMEOUT,
            static_summary=w.summary or None,
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(_KEYS[name], value) for name, value in attributes.items()]
            ),
        )
    except RPCError:
        raise Refusal(
            "UNAVAILABLE", "The process could not be started; send the request again with the same Idempotency-Key."
        ) from None


async def _answer(handle: "WorkflowHandle[Any, Any]", told: "asyncio.Future[Answered]") -> Answered | None:
    """What the command answered; None where another process carried it out, and the database has the answer.

    Raises the Refusal that was told, or WorkflowFailureError. The server is asked for the process' end only where
    nobody here can tell: a question that waits costs the server, and this process, as much as a start.
    """
    if getattr(handle, "__temporal_eagerly_started", False):  # the SDK says so to its own tests, and to us
        await asyncio.wait({told}, timeout=EAGER_SECONDS)
        if told.done():
            return told.result()
    ended = asyncio.ensure_future(handle.result())
    try:
        await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            return told.result()
        await ended
        return None
    finally:
        ended.cancel()


def operation_path(workflow_id: str) -> str:
    """Where to ask how far the process is."""
    return f"/v1/operations/{quote(workflow_id, safe='')}"


def accepted(workflow_id: str) -> Response:
    """The work goes on; where to ask for its end."""
    location = operation_path(workflow_id)
    headers = {"Location": location, "X-Workflow-Id": workflow_id, "Retry-After": "2"}
    body = {"status": "running", "workflow_id": workflow_id, "operation": location}
    return Response(to_json(body), 202, headers, "application/json")


async def read_answer(request: Request, who: Principal, command_id: str) -> Answered:
    """What a finished command answered."""
    found = answer_of(await read_row(request.app.state, who.org_id, ANSWER, {"org": who.org_id, "id": command_id}))
    if found is None:
        raise Refusal("UNAVAILABLE", "The answer is not there yet; ask again with the same Idempotency-Key.")
    status, json, replayed = found
    return Answered(json, status, replayed)


def refusal_of(failure: WorkflowFailureError | WorkflowUpdateFailedError) -> Refusal:
    """The business refusal that failed the process, or its update; 503 for any other failure."""
    return refusal_in(failure) or Refusal(
        "UNAVAILABLE", "The request could not be carried out; ask again with the same Idempotency-Key."
    )


def refusal_in(failure: WorkflowFailureError | WorkflowUpdateFailedError) -> Refusal | None:
    """The business refusal that failed it, if one did."""
    cause: BaseException | None = failure.cause
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
            return refusal_from(cause.details[0])
        cause = cause.__cause__
    return None


def answer(done: Answered, workflow_id: str | None = None) -> Response:
    """The JSON answer with the headers of the contract."""
    headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
    if workflow_id:
        headers["X-Workflow-Id"] = workflow_id
    return Response(done.json, done.status, headers, "application/json")
