"""Exchange rates by the clock: fetched where the operator says from where, and somebody told where they are old."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.rates import RateActivities
    from workflows import retries


@workflow.defn(name="KeepRates")
class KeepRates:
    """Fetch the central bank's file, then look at the rates in use, whether it came or not."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Fetching rates")
        try:
            fetched = await workflow.execute_activity_method(
                RateActivities.fetch_rates, start_to_close_timeout=retries.RATES_TIMEOUT, retry_policy=retries.OUTSIDE
            )
            said = f"{fetched} new rates"
        except ActivityError as failed:
            said = f"Rates could not be fetched ({getattr(failed.cause, 'type', None)})"
        workflow.set_current_details(said)
        old = await workflow.execute_activity_method(
            RateActivities.watch_rates,
            start_to_close_timeout=retries.LOOK_TIMEOUT,
            heartbeat_timeout=retries.SWEEP_HEARTBEAT,
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{said}; {old} organisations use old rates")
        return old
