"""A kept command on its way to its process, and whether the server that has to take it is there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from api.outages import is_outage
from api.temporal import TemporalLink
from api.waiting import leave_behind, not_taken
from operations.commands import Submitted
from operations.runner import execute
from workflows.connection import is_barred, is_namespace_gone
from workflows.ending import being_cancelled
from workflows.starting import Start, start

BEGIN_SECONDS: Final = 3.0
"""What a start may take that is not waited for any longer; the client alone would repeat it for ten seconds."""
TRIED_AGAIN: Final = (1, 2, 4, 8, 16, 32, 64, 128)
"""Seconds between the tries to bring something to a busy server."""
SERVING_TIMEOUT: Final = timedelta(seconds=1)
"""Longer than a server that works takes to say that it is there, however busy it is."""


@dataclass(frozen=True)
class Dispatch:
    """A kept command on its way to its process, and how the process is shown and found."""

    state: State
    org_id: str
    kept: Submitted
    summary: str
    attributes: Mapping[str, str]
    memo: Mapping[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        link: TemporalLink = self.state.temporal
        return link.client

    @property
    def workflow_id(self) -> str:
        return str(self.kept.workflow_id)

    async def execute(self) -> None:
        """In this process; also what refuses a command that no process may hear of."""
        await run_in_threadpool(execute, self.state.engine, self.org_id, self.kept.command_id)


async def begin(state: State, s: Start, *, signal: str | None = None) -> None:
    """Start a process whose work is kept. To a server that is busy it is brought again. Raises RPCError, or the Refusal
    `not_taken`, where there is none."""
    link: TemporalLink = state.temporal
    begun = partial(start, link.client, s, signal=signal)
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            await begun()
    except (RPCError, TimeoutError) as error:
        if await is_slow(state, error):
            keep_trying(begun)
        elif isinstance(error, TimeoutError):
            raise not_taken() from None
        else:
            raise


def keep_trying(call: Callable[[], Awaitable[object]]) -> None:
    """Go on trying, for whoever has been told that the work goes on. What is lost with this process is the sweep's."""

    async def until_taken() -> None:
        for pause in TRIED_AGAIN:
            await asyncio.sleep(pause)
            with suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                await call()
                break
            if being_cancelled():
                break

    leave_behind(asyncio.ensure_future(until_taken()))


async def is_slow(state: State, error: RPCError | TimeoutError) -> bool:
    """Whether the server that failed so is there all the same: busy, not away. It says so itself, for which it needs nothing."""
    if isinstance(error, RPCError) and (not is_outage(error) or is_barred(error)):
        return False
    link: TemporalLink = state.temporal
    try:
        async with asyncio.timeout(SERVING_TIMEOUT.total_seconds()):
            return await link.client.service_client.check_health(timeout=SERVING_TIMEOUT)
    except (RPCError, TimeoutError):
        return False


def is_unknown(error: RPCError | TimeoutError) -> bool:
    """Whether the server, and its namespace, are there, and do not know the process."""
    return isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND and not is_namespace_gone(error)
