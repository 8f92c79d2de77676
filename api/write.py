"""The one way in for every write: kept as a command, carried out in the way that its operation declares, answered once.

The answer waits for the commit and for nothing else. A caller whose answer got lost sends the same request again:
with the same Idempotency-Key (or external_id) it is told what happened the first time.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from fastapi import Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.counting import count
from api.dispatch import Dispatch
from api.keys import RequestKey
from api.processes import ApprovalProcess, ChangeProcess, ImportProcess, PostingProcess, begin_statement
from api.read_row import read_row
from api.waiting import NotYet, Process, first_answer, operation_path
from models.access import Principal
from models.answers import JsonObject
from models.commands import Answered
from models.customers.change_answers import SubmittedChangeAnswer
from models.db.commands import KEEP, first_of
from models.db.tx import to_json
from models.empty import EMPTY
from models.ids import new_id
from models.under_way import UnderWayAnswer
from models.values import Body
from operations import commands
from operations.commands import Submission, Submitted
from operations.execution import Approval, Change, Execution, Import, InPlace, Posting, Statement, workflow_id
from operations.runner import OPERATIONS, rehearse, run_now

UNDER_WAY: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": UnderWayAnswer, "description": "Its process has not ended after five seconds, and goes on."}
}
"""For the `responses` of a route whose write is carried by a posting process."""
SUBMITTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": SubmittedChangeAnswer, "description": "The change's process has not taken it after five seconds."}
}
"""For the `responses` of a route that moves a change on."""


@dataclass(frozen=True)
class Write:
    """A write as its route describes it. `record_id`: the record that it is about (its id is in the URL of the Temporal
    UI); `subject_id`: whose audit trail a refusal joins; `summary`, `attributes` and `memo`: how its process is shown and found;
    `first`: what must be safe before it is carried out, once it is known for which record it was kept."""

    operation: str
    body: Body | JsonObject
    record_id: str
    subject_id: str | None = None
    customer_id: str | None = None
    summary: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[str], Awaitable[None]] | None = None
    memo: Mapping[str, str] = field(default_factory=dict)


class Written(Response):
    """A write's answer on its way out, with the headers of docs/api.md, section 2; a process that its body names is the one
    that carries it. `done`: what was answered; `goes_on`: of a process that has not ended."""

    def __init__(self, done: Answered, more: Mapping[str, str] = EMPTY, *, goes_on: bool = False) -> None:
        headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
        if '"workflow_id":' in done.json and (process := json.loads(done.json).get("workflow_id")):
            headers["X-Workflow-Id"] = process
        super().__init__(done.json, done.status, {**headers, **more}, "application/json")
        self.done, self.goes_on = done, goes_on

    def say(self, answer: object) -> "Written":
        """This instead, under the same headers."""
        self.body = self.render(to_json(answer))
        self.headers["content-length"] = str(len(self.body))
        return self


async def write(request: Request, who: Principal, key: RequestKey, w: Write, *, dry_run: bool = False) -> Written:
    """Carry the write out, and answer it. `dry_run`: what would be answered; changes nothing."""
    engine: Engine = request.app.state.engine
    execution, command_id = OPERATIONS[w.operation].execution, new_id("cmd")
    s = submission(request, key, w, command_id, workflow_id(execution, w.record_id, command_id))
    if dry_run:
        return Written(await run_in_threadpool(rehearse, engine, who, s))
    if isinstance(execution, InPlace):
        return _counted(w, await run_in_threadpool(run_now, engine, who, s))
    if isinstance(execution, Statement):
        received = await run_in_threadpool(run_now, engine, who, s)
        return _counted(w, received, {"Location": operation_path(await begin_statement(request, who, received))})
    kept = await keep(request, who, s)
    request.state.workflow_id = kept.workflow_id  # the middleware answers it, on a refusal too
    if kept.answer is not None:
        return _counted(w, kept.answer)
    if w.first is not None:
        await w.first(str(kept.resource_id))
    process = _process(execution, Dispatch(request.app.state, who.org_id, kept, w.summary, w.attributes, w.memo))
    dispatched = asyncio.create_task(process.dispatch())
    try:
        return _counted(w, await first_answer(request.app.state, who.org_id, kept, process, dispatched))
    except NotYet as going_on:
        ask_at = {"Location": operation_path(str(kept.workflow_id)), "Retry-After": "2"}
        return Written(going_on.answered, ask_at, goes_on=True)


def submission(
    request: Request, key: RequestKey, w: Write, command_id: str | None = None, carried_by: str | None = None
) -> Submission:
    """The write as it is kept. `carried_by`: its process, where it has one."""
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
        workflow_id=carried_by,
        command_id=command_id,
    )


def _process(execution: Execution, d: Dispatch) -> Process:
    match execution:
        case Posting(process):
            return PostingProcess(d, process)
        case Change(update):
            return ChangeProcess(d, update)
        case Approval(update):
            return ApprovalProcess(d, update)
        case Import(begins):
            return ImportProcess(d, begins)
    raise AssertionError(f"{execution} has no process")


async def keep(request: Request, who: Principal, s: Submission) -> Submitted:
    """`operations.commands.submit`, on the event loop."""
    command = commands.command_of(who, s)
    sent = commands.to_keep(who, command, s)
    while (first := first_of(await read_row(request.app.state, who.org_id, KEEP, sent))) is None:
        pass  # as in submit
    said = partial(commands.submitted, request.app.state.engine, who, command, first)
    return await run_in_threadpool(said) if commands.is_another_persons(who, first) else said()


def _counted(w: Write, done: Answered, more: Mapping[str, str] = EMPTY) -> Written:
    count(w.operation, done)
    return Written(done, more)
