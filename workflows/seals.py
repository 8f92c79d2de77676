"""The daily seal: the heads of all audit chains under one Merkle root per organisation."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.seals import SealActivities
    from workflows import retries

SEAL_TIMEOUT = timedelta(hours=2)


@workflow.defn(name="SealTrails")
class SealTrails:
    """Seal every organisation's audit trail."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Sealing the audit trails")
        sealed = await workflow.execute_activity_method(
            SealActivities.seal_trails,
            start_to_close_timeout=SEAL_TIMEOUT,
            heartbeat_timeout=timedelta(minutes=10),
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{sealed} organisations sealed")
        return sealed
