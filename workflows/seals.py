"""The daily seal: the heads of all audit chains under one Merkle root per organisation; and a third party's time stamp of
it, which comes when it comes: sealing does not wait for it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.seals import SealActivities
    from activities.stamps import StampActivities
    from models.messages.commands import PROCESS_QUEUE
    from workflows import retries
    from workflows.schedules import every


@workflow.defn(name="SealTrails")
class SealTrails:
    """Seal every organisation's audit trail."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Sealing the audit trails")
        sealed = await workflow.execute_activity_method(
            SealActivities.seal_trails,
            start_to_close_timeout=retries.SWEEP_TIMEOUT,
            heartbeat_timeout=retries.SEAL_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{sealed} organisations sealed")
        return sealed


@workflow.defn(name="StampSeals")
class StampSeals:
    """Have a third party say when it has seen each seal, then look at those that still wait, whether it answered or not."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Asking for time stamps")
        try:
            stamped = await workflow.execute_activity_method(
                StampActivities.stamp_seals,
                start_to_close_timeout=retries.SWEEP_TIMEOUT,
                heartbeat_timeout=retries.SWEEP_HEARTBEAT,
                retry_policy=retries.OUTSIDE,
            )
            said = f"{stamped} seals stamped"
        except ActivityError as failed:
            said = f"Seals could not be stamped ({failed.cause})"
        workflow.set_current_details(said)
        late = await workflow.execute_activity_method(
            StampActivities.watch_stamps,
            start_to_close_timeout=retries.LOOK_TIMEOUT,
            heartbeat_timeout=retries.SWEEP_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{said}; {late} organisations wait for stamps")
        return late


STAMP_SCHEDULE = {
    "stamp-seals": every(
        "StampSeals", PROCESS_QUEUE, "Have seals stamped by a third party", timedelta(hours=1), timedelta(minutes=40)
    )
}
"""Made only where a stamping authority is named (ARFLOW_TSA_URL)."""
