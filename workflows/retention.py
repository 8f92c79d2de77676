"""What is older than it is kept, once a day: one kind of record at a time."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import PruningActivities
    from models.messages.retention import PruneInput
    from workflows import retries


@workflow.defn(name="PruneRecords")
class PruneRecords:
    """Take away the rows of one table, in every organisation, whose time is over."""

    @workflow.run
    async def run(self, what: PruneInput) -> int:
        workflow.set_current_details(f"Taking away {what.table} older than {what.days} days")
        pruned = await workflow.execute_activity_method(
            PruningActivities.prune_records,
            what,
            start_to_close_timeout=retries.SWEEP_TIMEOUT,
            heartbeat_timeout=retries.SWEEP_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{pruned} of {what.table} taken away")
        return pruned
