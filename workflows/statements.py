"""A bank statement: its credits become payments, and those that name their invoices are applied at once."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.statements import StatementActivities
    from models.messages.statements import StatementInput, StatementResult
    from workflows import retries


@workflow.defn(name="ImportStatement")
class ImportStatement:
    """Chunk by chunk, each one transaction; what is left over waits for a person as an exception."""

    def __init__(self) -> None:
        self._look_again = False

    @workflow.signal(name="look_again")
    def look_again(self) -> None:
        """Lines were taken up again: a run that was about to end goes on."""
        self._look_again = True

    @workflow.run
    async def run(self, start: StatementInput) -> StatementResult:
        while True:
            self._look_again = False
            progress = await workflow.execute_activity_method(
                StatementActivities.record_and_apply,
                start,
                start_to_close_timeout=retries.BATCH_TIMEOUT,
                heartbeat_timeout=retries.BATCH_HEARTBEAT,
                retry_policy=retries.BATCH,
            )
            workflow.set_current_details(f"{progress.done} of {progress.total} lines recorded")
            if not (progress.more or self._look_again):
                return StatementResult(progress.total)
