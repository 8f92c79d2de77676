"""One step, first in place: as a local activity, which costs one workflow task in all; then as a regular activity.

A failure of a local activity comes in two shapes. While the run is worked on, it is an ActivityError round its cause;
when the run is replayed (another worker took it over, or the cache was full), the cause comes bare, as the marker in the
history recorded it: an ApplicationError, or a TimeoutError. Who catches only one of them decides differently in replay, and
the run cannot go on any more. So no process catches them itself: all steps in place go through this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError, FailureError
from temporalio.workflow import LocalActivityConfig

with workflow.unsafe.imports_passed_through():
    from workflows import retries

Does = TypeVar("Does")
Asked = TypeVar("Asked")
Done = TypeVar("Done")


def posting() -> LocalActivityConfig:
    """How long a step that a person waits for may take in place, and how often it is tried there."""
    return LocalActivityConfig(
        start_to_close_timeout=retries.LOCAL_POSTING_TIMEOUT,
        schedule_to_close_timeout=retries.LOCAL_POSTING_TIMEOUT,
        retry_policy=retries.LOCAL_POSTING,
    )


@dataclass(frozen=True)
class NotDone:
    """The step did not end in place. `error` is never a cancellation."""

    error: FailureError


async def tried(step: Callable[[Does, Asked], Done], asked: Asked, patience: LocalActivityConfig) -> Done | NotDone:
    """The step in place. Raises nothing but a cancellation."""
    try:
        return await workflow.execute_local_activity_method(step, asked, **patience)
    except FailureError as error:  # whichever shape it has
        if cancelled(error):
            raise
        return NotDone(error)


async def at_once(step: Callable[[Does, Asked], Done], asked: Asked, meanwhile: str = "") -> Done:
    """The step in place; where that fails for a while, as a regular activity until it is done. Raises its refusal.

    `meanwhile`: what the run says of itself while it is being repeated.
    """
    try:
        return await workflow.execute_local_activity_method(step, asked, **posting())
    except FailureError as error:
        if not retryable(error):
            raise
    if meanwhile:
        workflow.set_current_details(meanwhile)
    return await until_done(step, asked)


async def until_done(step: Callable[[Does, Asked], Done], asked: Asked) -> Done:
    """The step as a regular activity, repeated until it is done or refused."""
    return await workflow.execute_activity_method(
        step, asked, start_to_close_timeout=retries.POSTING_TIMEOUT, retry_policy=retries.POSTING
    )


def cancelled(error: BaseException) -> bool:
    """Whether the step was cancelled: then nothing takes its place."""
    return any(isinstance(cause, CancelledError) for cause in _causes(error))


def retryable(error: BaseException) -> bool:
    """Whether the failure is a passing one; a refusal is final, and so is a cancellation."""
    for cause in _causes(error):
        if isinstance(cause, CancelledError):
            return False
        if isinstance(cause, ApplicationError):
            return not cause.non_retryable
    return True


def refusal_code(error: BaseException) -> str | None:
    """The code of the refusal that ended the step; None where something else did, such as a cancellation."""
    return next((cause.type for cause in _causes(error) if isinstance(cause, ApplicationError)), None)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        found.append(cause)
        cause = cause.__cause__
    return found
