"""A receiver that never answers is given up after three days, on somebody's desk; what follows is tried afresh."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.webhooks import WebhookActivities
from models.db.engine import lent, make_engine
from models.db.outbox import fan_out, publish
from models.messages.webhooks import WebhookQueue
from models.webhooks.signing import RETRIES
from operations.webhook_deliveries import Answer, Parcel
from tests.cash_desk.books import opened, wrong
from tests.cash_desk.desk import Desk, new_organisation
from workflows.webhooks import DeliverWebhooks


@pytest.fixture
def lonely_desk(fresh_database_url: str) -> Iterator[Desk]:
    """Where no relay but the test's own looks."""
    engine = make_engine(fresh_database_url, pool_size=4)
    yield Desk(engine, new_organisation(fresh_database_url))
    engine.dispose()


async def test_three_days_of_silence_are_one_exception_and_the_next_event_goes_out(
    time_skipping: WorkflowEnvironment, worker_of: Callable[..., Worker], lonely_desk: Desk,
    fresh_database_url: str,
) -> None:  # fmt: skip
    desk = lonely_desk
    s = desk.submission(
        "webhook_endpoint.create",
        "/v1/webhook-endpoints",
        {"url": "https://gone.example", "event_types": ["ar.payment.received", "ar.payment.reversed"]},
        "e",
        subject=desk.org,
    )
    endpoint = desk.run(s).body["id"]
    payment = desk.run(desk.payment(desk.customer(), 50_000)).body["id"]
    desk.run(desk.reverse(payment))
    with lent(desk.engine) as conn:
        while publish(conn):
            pass
        queues = [q for q in fan_out(conn, 0, 2**62) if q.org_id == desk.org]
        assert [(q.endpoint_id, q.subject) for q in queues] == [(endpoint, payment)]
        fan_out(conn, 0, 2**62)  # after a crash: nothing is made twice
    sent: list[Parcel] = []

    def silent(parcel: Parcel) -> Answer:
        sent.append(parcel)
        return Answer(204) if b"reversed" in parcel.body else Answer(None, "TIMEOUT")

    started = await time_skipping.get_current_time()
    doing = WebhookActivities(desk.engine, silent)
    async with worker_of([DeliverWebhooks], [doing.deliver_next]) as worker:
        handle = await time_skipping.client.start_workflow(
            DeliverWebhooks.run, WebhookQueue(desk.org, endpoint, payment), id=f"{endpoint}/{payment}",
            task_queue=worker.task_queue,
        )  # fmt: skip
        await handle.result()
    assert (await time_skipping.get_current_time()) - started >= timedelta(days=3)
    assert len(sent) == len(RETRIES) + 2
    assert len({p.headers["webhook-id"] for p in sent}) == 2
    with opened(fresh_database_url) as c:
        sql = "SELECT status, attempts, error_code FROM webhook_deliveries WHERE org_id = %s ORDER BY position"
        rows = [tuple(r.values()) for r in c.execute(sql, (desk.org,))]
        assert rows == [("FAILED", len(RETRIES) + 1, "TIMEOUT"), ("DELIVERED", 1, None)]
        open_ones = c.execute("SELECT kind, reason_code, owner_role FROM exceptions WHERE org_id = %s", (desk.org,))
        assert [tuple(r.values()) for r in open_ones] == [("webhook_delivery", "DELIVERY_FAILED", "ops")]
    assert wrong(fresh_database_url, desk.org) == []
