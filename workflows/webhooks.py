"""Webhooks: the events about one record reach one endpoint in order, each until it is taken or given up."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import WebhookActivities
    from models.messages.webhooks import WebhookProgress, WebhookQueue
    from workflows import retries

PER_RUN = 200
"""Deliveries after which the process goes on in a new run, so that no history grows without end."""


@workflow.defn(name="DeliverWebhooks")
class DeliverWebhooks:
    """Send what waits, the oldest first, until nothing is left.

    Signals: `more` (there is something new), `try_now` (do not wait for the next attempt's time).
    """

    def __init__(self) -> None:
        self._more = True
        self._now = False

    @workflow.signal
    def more(self) -> None:
        self._more = True

    @workflow.signal
    def try_now(self) -> None:
        self._more = self._now = True

    @workflow.run
    async def run(self, queue: WebhookQueue) -> None:
        attempts = 0
        while self._more:
            self._more = self._now = False
            while (last := await self._deliver(queue)).found:
                attempts += 1
                if last.retry_in:
                    await self._wait(last)
                if attempts >= PER_RUN:
                    workflow.continue_as_new(queue)
        workflow.set_current_details("Nothing is left to send")

    async def _deliver(self, queue: WebhookQueue) -> WebhookProgress:
        workflow.set_current_details("Sending")
        return await workflow.execute_activity_method(
            WebhookActivities.deliver_next,
            queue,
            start_to_close_timeout=retries.WEBHOOK_TIMEOUT,
            retry_policy=retries.POSTING,
        )

    async def _wait(self, last: WebhookProgress) -> None:
        seconds = last.retry_in
        at = workflow.now() + timedelta(seconds=seconds)
        why = "Not sent yet, as much of the organisation's is under way as may be" if last.busy else "Not taken"
        workflow.set_current_details(f"{why}; tried again at {at:%Y-%m-%d %H:%M:%S} UTC, or when somebody replays it")
        try:
            await workflow.wait_condition(lambda: self._now, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return
        self._now = False
