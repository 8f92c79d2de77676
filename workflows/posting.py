"""The step that every posting process takes: execute the command in one transaction."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError, CancelledError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.commands import CommandActivities
    from models.messages.commands import CommandInput, CommandResult
    from workflows import retries


async def execute_command(start: CommandInput) -> CommandResult:
    """Execute it exactly once. Where it is refused, the run says so to whoever looks at it, and fails with the code."""
    try:
        return await _execute(start)
    except FailureError as error:
        if code := refusal_code(error):
            workflow.set_current_details(f"Refused, nothing was posted: {code}")
        raise


async def _execute(start: CommandInput) -> CommandResult:
    """First as a local activity (one workflow task in all); where that fails for a while, as a regular one."""
    try:
        return await workflow.execute_local_activity_method(
            CommandActivities.execute_command,
            start,
            start_to_close_timeout=retries.LOCAL_POSTING_TIMEOUT,
            schedule_to_close_timeout=retries.LOCAL_POSTING_TIMEOUT,
            retry_policy=retries.LOCAL_POSTING,
        )
    except FailureError as error:  # a timeout comes as an ActivityError at first, in replay bare as it was recorded
        if not retryable(error):
            raise
    workflow.set_current_details("The database does not answer; trying again until it does.")
    return await workflow.execute_activity_method(
        CommandActivities.execute_command,
        start,
        start_to_close_timeout=retries.POSTING_TIMEOUT,
        retry_policy=retries.POSTING,
    )


def retryable(error: BaseException) -> bool:
    """Whether the failure is a passing one; a refusal is final, and so is a cancellation."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, CancelledError):
            return False
        if isinstance(cause, ApplicationError):
            return not cause.non_retryable
        cause = cause.__cause__
    return True


def refusal_code(error: BaseException) -> str | None:
    """The code of the refusal that ended the posting; None where something else did, such as a cancellation."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError):
            return cause.type
        cause = cause.__cause__
    return None
