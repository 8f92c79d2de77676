"""Exchange rates by the clock: fetched where the operator says from where, and somebody told where they are old."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.rates import RateActivities
    from workflows import retries

FETCHING = RetryPolicy(
    initial_interval=timedelta(seconds=10), maximum_interval=timedelta(minutes=5), maximum_attempts=8
)


@workflow.defn(name="KeepRates")
class KeepRates:
    """Fetch the central bank's file, then look at the rates in use, whether it came or not."""

    @workflow.run
    async def run(self) -> int:
        workflow.set_current_details("Fetching rates")
        try:
            fetched = await workflow.execute_activity_method(
                RateActivities.fetch_rates, start_to_close_timeout=timedelta(minutes=2), retry_policy=FETCHING
            )
            said = f"{fetched} new rates"
        except ActivityError as failed:
            said = f"Rates could not be fetched ({getattr(failed.cause, 'type', None)})"
        workflow.set_current_details(said)
        old = await workflow.execute_activity_method(
            RateActivities.watch_rates,
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(minutes=5),
            retry_policy=retries.BATCH,
        )
        workflow.set_current_details(f"{said}; {old} organisations use old rates")
        return old
