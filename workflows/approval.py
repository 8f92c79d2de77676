"""What is asked for is approved and carried out, or is not: a credit note, a write-off, a deduction, new limits of authority."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.approvals import PROCESS
    from models.messages.changes import ChangeInput, ChangeResult
    from workflows.approving import Approving


@workflow.defn(name=PROCESS)
class ObtainApproval(Approving):
    """(remind, escalate) → decide, step by step → carry out. Open until carried out, rejected or withdrawn."""

    @workflow.init
    def __init__(self, start: ChangeInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ChangeInput) -> ChangeResult:
        await self._look()
        while self._open:
            if self._state.complete:
                await self._carry_out()
            elif await self._decided_before_the_deadline():
                continue
            else:
                await self._remind_or_escalate()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._must_be_there()
        return ChangeResult(self._state.status or "UNKNOWN")
