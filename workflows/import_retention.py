"""What imports leave behind, once a day: files that nobody waits for, texts of rows whose time is over."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.import_retention import RetentionActivities
    from workflows import retries


@workflow.defn(name="PruneImports")
class PruneImports:
    """Clean up behind the imports of every organisation."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Looking for what need not be kept any longer")
        pruned = await workflow.execute_activity_method(
            RetentionActivities.prune_imports,
            start_to_close_timeout=retries.SWEEP_TIMEOUT,
            heartbeat_timeout=retries.SWEEP_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{pruned} imports have lost their rows' texts")
        return pruned
