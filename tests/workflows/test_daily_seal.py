"""The schedule seals every organisation's trail; triggered, it does so at once."""

import time

from temporalio.client import Client, ScheduleOverlapPolicy

from models.db.engine import make_engine, transaction
from tests.stack_fixtures.app import AppStack


async def test_the_daily_seal_covers_every_organisation(
    app_stack: AppStack, temporal_client: Client, database_url: str
) -> None:
    org = app_stack.organisation()
    await temporal_client.get_schedule_handle("seal-trails").trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    engine = make_engine(database_url, pool_size=1)
    until = time.monotonic() + 120
    heads = None
    while heads is None and time.monotonic() < until:
        with transaction(engine, org) as tx:
            heads = tx.scalar("SELECT heads FROM audit_seals WHERE org_id = :org LIMIT 1")
        time.sleep(0.2)
    engine.dispose()
    assert heads is not None
    assert heads >= 1
