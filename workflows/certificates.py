"""Every day: exemption certificates that expire are put on the AR managers' desk."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.changes import ChangeActivities
    from workflows import retries


@workflow.defn(name="WatchCertificates")
class WatchCertificates:
    """Look at every organisation's tax profiles."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Looking for certificates that expire")
        found = await workflow.execute_activity_method(
            ChangeActivities.watch_certificates,
            start_to_close_timeout=retries.LOOK_TIMEOUT,
            heartbeat_timeout=retries.SWEEP_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{found} certificates expire within 30 days or have expired")
        return found
