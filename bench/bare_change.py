"""The bare shape of an approval: accept by update-with-start, two decisions by update, one execution; all no-ops.

`BareChange` is the least that Temporal can be asked for; `BareChain` is the shape of the real one: it also keeps a deadline
per step and shows each step in the search attributes, as an approval that people wait for has to.
"""

from datetime import datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import SearchAttributeKey

_WORDS = [SearchAttributeKey.for_keyword(n) for n in ("CurrentStep", "AwaitingRole", "Lane", "CustomerId")]
_DUE = SearchAttributeKey.for_datetime("DueAt")
DEADLINE = timedelta(days=1)


@activity.defn(name="bare_step")
async def bare_step(step: str) -> str:
    return step


class _Bare:
    """One local activity per step, as the real one."""

    def __init__(self) -> None:
        self._accepted = self._done = False
        self._approvals = 0

    async def _wait_for(self, approvals: int) -> None:
        await workflow.wait_condition(lambda: self._approvals >= approvals)

    def _show(self, step: str) -> None:
        """Nothing."""

    async def _run(self) -> None:
        await self._step("submit")
        self._accepted = True
        self._show("1")
        for approvals in (1, 2):
            await self._wait_for(approvals)
        await self._step("execute")
        self._show("APPROVED")
        self._done = True
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _decide(self, decision: str) -> None:
        await self._step(decision)
        self._approvals += 1
        if self._approvals == 2:
            await workflow.wait_condition(lambda: self._done)
        else:
            self._show("2")

    async def _step(self, step: str) -> None:
        await workflow.execute_local_activity(bare_step, step, start_to_close_timeout=timedelta(seconds=5))


@workflow.defn(name="BareChange", sandboxed=False)
class BareChange(_Bare):
    @workflow.run
    async def run(self) -> None:
        await self._run()

    @workflow.update(name="submitted")
    async def submitted(self) -> None:
        await workflow.wait_condition(lambda: self._accepted)

    @workflow.update(name="decide")
    async def decide(self, decision: str) -> None:
        await self._decide(decision)


@workflow.defn(name="BareChain", sandboxed=False)
class BareChain(_Bare):
    @workflow.run
    async def run(self) -> None:
        await self._run()

    @workflow.update(name="submitted")
    async def submitted(self) -> None:
        await workflow.wait_condition(lambda: self._accepted)

    @workflow.update(name="decide")
    async def decide(self, decision: str) -> None:
        await self._decide(decision)

    async def _wait_for(self, approvals: int) -> None:
        await workflow.wait_condition(lambda: self._approvals >= approvals, timeout=DEADLINE)

    def _show(self, step: str) -> None:
        updates: list[Any] = [key.value_set(f"{key.name}-{step}") for key in _WORDS]
        due: datetime = workflow.now() + DEADLINE
        workflow.upsert_search_attributes([*updates, _DUE.value_set(due)])


__all__ = ["BareChain", "BareChange", "bare_step"]
