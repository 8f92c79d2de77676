"""The clock of the time-skipping server, moved on a machine that may be busy."""

from datetime import timedelta

from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment


async def pass_time(env: WorkflowEnvironment, span: timedelta, step: timedelta = timedelta(minutes=15)) -> None:
    """In small steps: each is one call to the server, which returns when all that was due has been done.

    A call that a busy machine does not answer in the SDK's thirty seconds is made again from where the clock stands.
    """
    until = await env.get_current_time() + span
    for _ in range(2 * (span // step + 1)):
        left = until - await env.get_current_time()
        if left <= timedelta(0):
            return
        try:
            await env.sleep(min(left, step))
        except RPCError as late:
            if "Timeout expired" not in late.message:
                raise
    raise AssertionError("the clock does not move")
