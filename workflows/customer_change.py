"""A customer change, from its submission through its chain of approvers to its execution."""

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities
    from models.messages.changes import PROCESS, ChangeInput, ChangeResult, EraseInput
    from workflows.approving import Approving
    from workflows.erasure import EraseHistories
    from workflows.in_place import at_once, cancelled, refusal_code


@workflow.defn(name=PROCESS)
class CustomerChange(Approving):
    """Submit → (remind, escalate) → decide, step by step → execute. Open until approved, rejected or withdrawn."""

    @workflow.init
    def __init__(self, start: ChangeInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ChangeInput) -> ChangeResult:
        await self._submit()
        while self._open:
            if self._state.complete:
                await self._execute()
            elif await self._decided_before_the_deadline():
                continue
            else:
                await self._remind_or_escalate()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._must_be_there()
        return ChangeResult(self._state.status or "REFUSED")

    # The steps that only a change takes

    async def _submit(self) -> None:
        """Validate and keep the change. A refusal is answered to the submitter and ends the process."""
        workflow.set_current_details("Validating the submission")
        try:
            self._show(await at_once(ChangeActivities.act, self._asked(self._start.command_id)))
        except FailureError as refusal:
            if cancelled(refusal):
                raise
            self._refusal = refusal
            workflow.set_current_details(f"The submission was refused: {refusal_code(refusal)}")
        self._submitted = True

    async def _execute(self) -> None:
        """Carry out the approved change, exactly once; a customer's deletion takes the histories with it."""
        result = await self._carry_out()
        for other in result.closed_workflows:
            await self._reload(other)
        if result.erase_workflows:
            await workflow.start_child_workflow(
                EraseHistories.run,
                EraseInput(result.erase_workflows),
                id=f"{self._start.change_id}/EraseHistories",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Delete the histories of the customer that {self._start.change_id} erased",
            )

    async def _reload(self, workflow_id: str) -> None:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal("reload")
        except FailureError as gone:
            if cancelled(gone):
                raise
            workflow.logger.info("a closed change's process has ended already")


CHANGE_WORKFLOWS = (CustomerChange, EraseHistories)
