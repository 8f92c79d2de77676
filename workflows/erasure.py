"""After a hard deletion, what Temporal still tells of the customer goes too."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities
    from models.messages.changes import EraseInput
    from workflows import retries


@workflow.defn(name="EraseHistories")
class EraseHistories:
    """After a hard deletion: the closed executions of the customer's changes are deleted from Temporal too."""

    @workflow.run
    async def run(self, histories: EraseInput) -> None:
        workflow.set_current_details("Deleting the histories of an erased customer")
        await workflow.execute_activity_method(
            ChangeActivities.erase_histories,
            histories,
            start_to_close_timeout=retries.ERASE_TIMEOUT,
            heartbeat_timeout=retries.ERASE_HEARTBEAT,
            retry_policy=retries.POSTING,
        )
        workflow.set_current_details("Deleted")
