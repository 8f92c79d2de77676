"""How a command reaches the process that carries it: a posting, a customer change, an import, a statement.

A posting's process is started eagerly, on the worker in this process. A change is submitted by starting its process and
moved on by updates to it; a process that was lost (its server's data, not ours) is started again from what the database
knows. An import is told of a person's act by an update too; where no process is there to hear, it is done in place.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from temporalio.client import (
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.dispatch import Dispatch, begin, is_slow, is_unknown, keep_trying
from api.outages import is_outage
from api.read_row import read_row
from api.waiting import not_taken, operation_path, refusal_in
from models.access import Principal
from models.cash.statement_answers import StatementAnswer
from models.cash.statement_records import StatementStatus
from models.commands import Answered
from models.customers.change_answers import submitted_answer
from models.db.approvals.approvals import OPEN
from models.db.customers.open_changes import OPEN_CHANGE, open_change
from models.db.engine import transaction
from models.db.imports.imports import find
from models.imports.answers import ImportAnswer, import_answer
from models.imports.records import Import
from models.messages import changes
from models.messages.changes import ActInput
from models.messages.imports import ImportAct
from models.under_way import UnderWayAnswer
from workflows import starts
from workflows.connection import is_barred
from workflows.starting import Start, is_eager, start, start_with_update

EAGER_SECONDS: Final = 1.0
"""How long an eager start is trusted to be carried out here: a healthy one takes a few hundredths of that."""
BEGUN_SECONDS: Final = 2.0
"""How long after that a posting's process may take. Its first task may sit in a server that recovers, for minutes."""
TAKEN_TIMEOUT: Final = timedelta(seconds=3)
"""What the start of a posting may take: a server that recovers answers later than its caller should wait."""
ASKED_AGAIN_TIMEOUT: Final = timedelta(seconds=1.5)
"""The same where somebody has been answered 503 for it."""
AT_ONCE: Final = asyncio.Semaphore(6)
"""So many postings at a time are done in place of their processes: where all wait for the database, more would not help."""
TASK_TIMEOUT: Final = timedelta(seconds=2)
KNOWN_TIMEOUT: Final = timedelta(seconds=2)
ACT_TIMEOUT: Final = timedelta(seconds=4)


class PostingProcess:
    """Begun for this one command."""

    outlives = False

    def __init__(self, d: Dispatch, process: str) -> None:
        self._d, self._process, self._begun = d, process, False

    async def dispatch(self) -> None:
        """Its commit is handed over here. The server is asked for the process' end only where that does not come: a
        question that waits costs the server, and this process, as much as a start.

        What has not begun by then is done in place: the command's record lets it be done once, whoever comes first. So is
        what a busy server has not taken. A server that is not there is an outage, which the caller is told; whoever asks again
        is not kept waiting for it."""
        d = self._d
        begun = starts.posting(d.org_id, self._process, d.kept.command_id, d.workflow_id, d.summary, d.attributes)
        patience = ASKED_AGAIN_TIMEOUT if d.kept.in_progress else TAKEN_TIMEOUT
        try:
            begun = replace(begun, memo=d.memo)
            async with asyncio.timeout(patience.total_seconds()):  # the client alone would repeat it for ten seconds
                handle = await start(d.client, begun, eager=True, task_timeout=TASK_TIMEOUT, rpc_timeout=patience)
            self._begun = True
            if is_eager(handle):
                await asyncio.sleep(EAGER_SECONDS)
            async with asyncio.timeout(BEGUN_SECONDS):
                await handle.result()
            return
        except (RPCError, TimeoutError) as error:
            if not (self._begun or d.kept.in_progress or await is_slow(d.state, error)):
                raise
        self._begun = True
        async with AT_ONCE:
            await d.execute()

    async def under_way(self) -> UnderWayAnswer:
        if not self._begun:
            raise not_taken()
        d = self._d
        return UnderWayAnswer(
            status="running",
            id=str(d.kept.resource_id),
            workflow_id=d.workflow_id,
            operation=operation_path(d.workflow_id),
        )


class ChangeProcess:
    """Of one change, from its submission to its end."""

    outlives = True

    def __init__(self, d: Dispatch, update: str) -> None:
        self._d, self._update, self._refused = d, update, False
        self._change_id = changes.change_of(d.workflow_id)

    @property
    def _begins(self) -> bool:
        return self._update == "submitted"

    async def dispatch(self) -> None:
        d, update_id = self._d, f"{self._update}-{self._d.kept.command_id}"
        if self._begins:
            try:
                await start_with_update(d.client, self._process(d.kept.command_id), self._update, (), update_id)
            except RPCError as error:
                self._refused = not is_outage(error) or is_barred(error)
                raise
            return
        if await self._open() is None:
            # Unknown, over, or another organisation's, whose process must never hear of it: the operation says which.
            await d.execute()
            return
        given = ActInput(d.kept.command_id)
        try:
            await d.client.get_workflow_handle(d.workflow_id).execute_update(self._update, given, id=d.kept.command_id)
        except RPCError as error:
            if not is_unknown(error):
                raise
            await start_with_update(d.client, self._process(), self._update, (given,), update_id)
        except WorkflowUpdateFailedError as failed:
            if not isinstance(failed.cause, ApplicationError) or failed.cause.type != "PROCESS_ENDED":
                raise
            await d.execute()

    def _process(self, submission: str = "") -> Start:
        """With the submission's command; without one it is the process of a change that is known, begun again."""
        d = self._d
        return replace(starts.customer_change(d.org_id, self._change_id, submission, d.summary), memo=d.memo)

    async def _open(self) -> object:
        given = {"org": self._d.org_id, "id": self._change_id}
        return open_change(await read_row(self._d.state, self._d.org_id, OPEN_CHANGE, given), self._change_id)

    async def under_way(self) -> object | None:
        """As a submission is answered. The server says that it has the command, or is busy and is brought it again."""
        d = self._d
        if self._refused:
            raise not_taken()
        try:
            async with asyncio.timeout(KNOWN_TIMEOUT.total_seconds()):
                await self._make_known(d.client.get_workflow_handle(d.workflow_id))
        except (RPCError, TimeoutError) as error:
            if not (is_unknown(error) or await is_slow(d.state, error)):
                raise
            keep_trying(self.dispatch)
        if self._begins:
            return submitted_answer(self._change_id, d.workflow_id, str(d.kept.resource_id))
        found = await self._open()
        if found is None:  # over meanwhile, by this command or by another: the operation says which
            await d.execute()
        return found

    async def _make_known(self, handle: "WorkflowHandle[Any, Any]") -> None:
        """It has the process, with its submission. An update that no worker has taken yet it has in memory alone; so what the
        update carries goes to the process as a signal as well, which is written down. Whichever comes first does it."""
        if self._begins:
            await handle.describe(rpc_timeout=KNOWN_TIMEOUT)
        else:
            await handle.signal(changes.ACT_SIGNAL, ActInput(self._d.kept.command_id), rpc_timeout=KNOWN_TIMEOUT)


class ApprovalProcess(ChangeProcess):
    """Of one approval, begun when it was asked for."""

    def _process(self, submission: str = "") -> Start:
        return starts.approval(self._d.org_id, self._change_id, self._d.summary)

    async def _open(self) -> object:
        given = {"org": self._d.org_id, "id": self._change_id}
        if await read_row(self._d.state, self._d.org_id, OPEN, given) is None:
            return None
        workflow_id = self._d.workflow_id
        return UnderWayAnswer(
            status="running", id=self._change_id, workflow_id=workflow_id, operation=operation_path(workflow_id)
        )


class ImportProcess:
    """Of one import, from its upload to its report."""

    outlives = True

    def __init__(self, d: Dispatch, begins: bool) -> None:
        self._d, self._begins, self._taken = d, begins, False
        self._import_id = str(d.kept.resource_id)

    async def dispatch(self) -> None:
        """An upload is recorded here as well as by the process, so that its answer waits for no worker."""
        d = self._d
        if self._begins:
            begun = starts.customer_import(d.org_id, self._import_id, d.kept.command_id)
            await begin(d.state, replace(begun, summary=d.summary or begun.summary, memo=d.memo))
        else:
            await self._act()
        self._taken = True
        await d.execute()

    async def _act(self) -> None:
        """Where no process is there to carry it (it has ended, or no worker answers), the act is done in place."""
        d = self._d
        given = ImportAct(d.org_id, self._import_id, d.kept.command_id)
        try:
            async with asyncio.timeout(ACT_TIMEOUT.total_seconds()):
                await d.client.get_workflow_handle(d.workflow_id).execute_update("act", given, id=d.kept.command_id)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            pass
        except WorkflowUpdateFailedError as failure:
            if refusal_in(failure):
                raise
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise

    async def under_way(self) -> ImportAnswer:
        """The import as it stands."""
        found = await run_in_threadpool(self._read)
        if found is None or not self._taken:
            raise not_taken()
        return import_answer(found)

    def _read(self) -> Import | None:
        with transaction(self._d.state.engine, self._d.org_id, durable=False) as tx:
            return find(tx, self._import_id)


async def begin_statement(request: Request, who: Principal, received: Answered) -> str:
    """The statement's process, unless it runs already; its id. One that has ended is begun anew: it finds what is left, or
    that nothing is (a first answer told again says PROCESSING for ever). One that is just about to end looks again."""
    it = received.read(StatementAnswer)
    if it.status is StatementStatus.PROCESSING:
        begun = starts.statement(who.org_id, it.id, it.lines_total, who.sub, request.state.request_id)
        await begin(request.app.state, begun, signal="look_again")
    return it.workflow_id
