"""Deductions: each is watched by a process until it is decided; each decision is a process of its own, as every posting is."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.deductions import DeductionActivities
    from models.messages.approvals import approval_workflow_id
    from models.messages.commands import CommandInput, CommandResult
    from models.messages.deductions import LOOK_AGAIN, PROCESS, DeductionInput, DeductionTimes
    from workflows import retries
    from workflows.posting import execute_command
    from workflows.search_attributes import DUE, ROLE
    from workflows.waiting import left

LOOKS_PER_RUN = 100
NO_TIME_SAID = timedelta(hours=1)


@workflow.defn(name=PROCESS)
class ResolveDeduction:
    """Remind its owner half-way, ask the next one when due, again and again until it is decided or needless."""

    def __init__(self) -> None:
        self._told = False
        self._shown: tuple[object, ...] = ()

    @workflow.run
    async def run(self, start: DeductionInput) -> str:
        looks = 0
        while (at := await self._look(start)).open:
            looks += 1
            await self._notified_or_due(at)
            if looks == LOOKS_PER_RUN:
                workflow.continue_as_new(start)
        await self._tell_the_approval(at)
        workflow.set_current_details(at.status)
        return at.status

    @workflow.signal(name=LOOK_AGAIN)
    async def look_again(self) -> None:
        """Something has happened to it."""
        self._told = True

    async def _look(self, start: DeductionInput) -> DeductionTimes:
        """Do what is due by now, and say when to look again."""
        self._told = False
        return await workflow.execute_activity_method(
            DeductionActivities.look_at_deduction,
            start,
            start_to_close_timeout=retries.POSTING_TIMEOUT,
            retry_policy=retries.POSTING,
        )

    async def _notified_or_due(self, at: DeductionTimes) -> None:
        next_at = at.next_at or workflow.now() + NO_TIME_SAID
        workflow.set_current_details(
            f"Open: waiting for **{at.role or 'a person'}**; next look at {next_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        self._show(at)
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._told, timeout=left(at.next_in, next_at))

    def _show(self, at: DeductionTimes) -> None:
        """By what it is found."""
        shown = (at.role, at.due_at)
        if shown == self._shown or at.due_at is None:
            return
        self._shown = shown
        role = ROLE.value_set(at.role) if at.role else ROLE.value_unset()
        workflow.upsert_search_attributes([role, DUE.value_set(at.due_at)])

    async def _tell_the_approval(self, at: DeductionTimes) -> None:
        """An approval that went with it is over; its process looks for itself where it cannot be told."""
        if at.needless_approval:
            process = workflow.get_external_workflow_handle(approval_workflow_id(at.needless_approval))
            with suppress(FailureError):
                await process.signal("reload")


@workflow.defn(name="DecideDeduction")
class DecideDeduction:
    """A deduction is rejected, or accepted by a credit note; beyond authority it is brought before those above."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        return await execute_command(start, "Deciding the deduction", "Decided")
