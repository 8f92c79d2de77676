"""The bare shape of an approval: accept by update-with-start, two decisions by update, one execution; all no-ops."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn(name="bare_step")
async def bare_step(step: str) -> str:
    return step


@workflow.defn(name="BareChange", sandboxed=False)
class BareChange:
    """One local activity per step, as the real one."""

    def __init__(self) -> None:
        self._accepted = self._done = False
        self._approvals = 0

    @workflow.run
    async def run(self) -> None:
        await self._step("submit")
        self._accepted = True
        await workflow.wait_condition(lambda: self._approvals == 2)
        await self._step("execute")
        self._done = True
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name="submitted")
    async def submitted(self) -> None:
        await workflow.wait_condition(lambda: self._accepted)

    @workflow.update(name="decide")
    async def decide(self, decision: str) -> None:
        await self._step(decision)
        self._approvals += 1
        if self._approvals == 2:
            await workflow.wait_condition(lambda: self._done)

    async def _step(self, step: str) -> None:
        await workflow.execute_local_activity(bare_step, step, start_to_close_timeout=timedelta(seconds=5))


__all__ = ["BareChange", "bare_step"]
