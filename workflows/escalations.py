"""A case is escalated: recorded at once, then watched until it is settled, however long that takes."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.escalations import EscalationActivities
    from models.messages.commands import PROCESS_QUEUE, CommandInput, CommandResult
    from models.messages.customer_360 import EscalationInput, EscalationTimes, watch_workflow_id
    from workflows import retries
    from workflows.posting import execute_command
    from workflows.waiting import left

LOOKS_PER_RUN = 100
NO_TIME_SAID = timedelta(hours=1)


@workflow.defn(name="EscalateCase")
class EscalateCase:
    """Record the escalation in one transaction, then hand it to the process that watches it."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        result = await execute_command(start, "Recording the escalation", "Recorded")
        case_id = workflow.info().workflow_id.split("/")[0]
        watched = EscalationInput(start.org_id, start.command_id)
        with suppress(WorkflowAlreadyStartedError):  # by an earlier run of this process
            await workflow.start_child_workflow(
                WatchEscalation.run,
                watched,
                id=watch_workflow_id(case_id, start.command_id.removeprefix("cmd_")),
                task_queue=PROCESS_QUEUE,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"Escalation of {case_id}",
            )
        workflow.set_current_details("Escalated; its due time is being watched")
        return result


@workflow.defn(name="WatchEscalation")
class WatchEscalation:
    """Remind half-way, hand on to the next owner when due, again and again until the case or its exception is closed."""

    @workflow.run
    async def run(self, start: EscalationInput) -> int:
        looks = 0
        while (at := await self._look(start)).open:
            looks += 1
            start = EscalationInput(start.org_id, "", at.escalation_id)
            await self._wait(at)
            if looks == LOOKS_PER_RUN:
                workflow.continue_as_new(start)
        workflow.set_current_details("Settled")
        return looks

    async def _look(self, start: EscalationInput) -> EscalationTimes:
        """Do what is due by now, and say when to look again."""
        return await workflow.execute_activity_method(
            EscalationActivities.look_at_escalation,
            start,
            start_to_close_timeout=retries.POSTING_TIMEOUT,
            retry_policy=retries.POSTING,
        )

    async def _wait(self, at: EscalationTimes) -> None:
        next_at = at.remind_at or at.due_at or workflow.now() + NO_TIME_SAID
        workflow.set_current_details(f"Open; next look at {next_at:%Y-%m-%d %H:%M:%S} UTC")
        await workflow.sleep(left(at.next_in, next_at))
