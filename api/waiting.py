"""The one wait for a command's answer: handed over at its commit, announced by another process, or read at the end.

Up to five seconds. Then 202 where the server has the process or is there to be brought it, and the work goes on; 503 where it
is not there.
"""

import asyncio
from typing import Any, Final, Protocol
from urllib.parse import quote

from starlette.datastructures import State
from temporalio.client import (
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from api.read_row import read_row
from models.commands import Answered
from models.db.commands import ANSWER, answer_of
from models.errors import Refusal
from operations.answers import waiting_for
from operations.commands import Submitted
from operations.runner import refusal_from
from operations.work import Outcome

WAIT_SECONDS: Final = 5.0
_LEFT_BEHIND: Final[set["asyncio.Future[None]"]] = set()
"""Calls that outlive their requests; asyncio alone would let go of them."""


class Process(Protocol):
    """What executes a command. `outlives`: its call goes on when the commit was heard of; each does where it was not."""

    outlives: bool

    async def dispatch(self) -> None:
        """Bring the command to it, and wait until it has been carried out. Raises as the Temporal client does."""

    async def under_way(self) -> object | None:
        """What is answered while it goes on; None where it has been carried out meanwhile. Raises RPCError,
        TimeoutError, or the Refusal `not_taken`, where nobody goes on with it."""


class NotYet(Exception):
    """The process goes on; `answered` says of it what is known."""

    def __init__(self, answered: Answered) -> None:
        self.answered = answered


async def first_answer(
    state: State, org_id: str, kept: Submitted, process: Process, dispatched: "asyncio.Task[None]"
) -> Answered:
    """What the command is answered. Raises its refusal, and NotYet after five seconds. `dispatched`: the process' `dispatch`, a
    task that has just been made: it begins once it is waited for here, so that no answer is missed."""
    with waiting_for(kept.command_id, kept.command) as answer:
        handed = asyncio.wrap_future(answer)
        try:
            both: set[asyncio.Future[Any]] = {handed, dispatched}
            await asyncio.wait(both, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if handed.done() and not process.outlives:
                dispatched.cancel()
            leave_behind(dispatched)
    found = handed.result() if handed.done() else None
    if found is None and not handed.done() and not await _is_done(dispatched):
        try:
            going_on = await process.under_way()
        except (RPCError, TimeoutError):
            raise not_taken() from None
        if going_on is not None:
            raise NotYet(Outcome(going_on, 202).written())
    if found is None:
        found = await _read(state, org_id, kept.command_id)
    return Answered(found.json, found.status, found.replayed or kept.in_progress)


def leave_behind(dispatched: "asyncio.Future[None]") -> None:
    """An update that no worker has taken yet must not be forgotten with the request that brought it."""
    if not dispatched.done():
        _LEFT_BEHIND.add(dispatched)
    dispatched.add_done_callback(_ended)


def _ended(dispatched: "asyncio.Future[None]") -> None:
    _LEFT_BEHIND.discard(dispatched)
    if not dispatched.cancelled():
        dispatched.exception()  # looked at: the command's record tells whoever asks


async def _is_done(dispatched: "asyncio.Future[None]") -> bool:
    """Whether the process has carried it out; False where nobody knows. Raises the refusal that ended it."""
    if not dispatched.done() or dispatched.cancelled():
        return False
    try:
        dispatched.result()
    except (WorkflowFailureError, WorkflowUpdateFailedError) as failure:
        raise refusal_in(failure) or not_taken() from None
    except (RPCError, TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        return False
    return True


async def _read(state: State, org_id: str, command_id: str) -> Answered:
    """What a finished command answered."""
    found = answer_of(await read_row(state, org_id, ANSWER, {"org": org_id, "id": command_id}))
    if found is None:
        raise Refusal("UNAVAILABLE", "The answer is not there yet; ask again with the same Idempotency-Key.")
    return found


def refusal_in(failure: WorkflowFailureError | WorkflowUpdateFailedError) -> Refusal | None:
    """The business refusal that failed the process, or its update, if one did."""
    cause: BaseException | None = failure.cause
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
            return refusal_from(cause.details[0])
        cause = cause.__cause__
    return None


def not_taken() -> Refusal:
    """Nobody says that the work goes on."""
    return Refusal("UNAVAILABLE", "The request is kept; ask again with the same Idempotency-Key.", retry_after=2)


def operation_path(workflow_id: str) -> str:
    """Where to ask how far the process is."""
    return f"/v1/operations/{quote(workflow_id, safe='')}"
