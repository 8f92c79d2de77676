"""What is older than it is kept goes by the clock."""

import asyncio

import psycopg
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleOverlapPolicy

from models.ids import new_id
from models.retention import PERIODS
from tests.customers.desk import ROLES, ok
from tests.stack_fixtures.app import AppStack

AGED = "UPDATE commands SET finished_at = finished_at - interval '91 days' WHERE org_id = %s AND idem_key = %s"
LEFT = "SELECT idem_key FROM commands WHERE org_id = %s"


async def test_the_schedule_takes_away_requests_that_are_long_done(
    app_stack: AppStack, temporal_client: Client, database_url: str
) -> None:
    assert PERIODS["commands"] == 90
    org = app_stack.organisation("Pruned")
    old, young = new_id("key"), new_id("key")
    with app_stack.client(org, "u_controller", *ROLES["u_controller"]) as controller:
        for n, key in enumerate((old, young), 3):
            terms = {"code": f"NET{n}", "days": n}
            ok(controller.post("/v1/payment-terms", json=terms, headers={"Idempotency-Key": key}), 201)
    with psycopg.connect(database_url) as c:
        assert c.execute(AGED, (org, old)).rowcount == 1
    handle = temporal_client.get_schedule_handle("prune-commands")
    await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    async with asyncio.timeout(120):
        while not (actions := (await handle.describe()).info.recent_actions):
            await asyncio.sleep(0.2)
    run = actions[-1].action
    assert isinstance(run, ScheduleActionExecutionStartWorkflow)
    ended = temporal_client.get_workflow_handle(run.workflow_id, run_id=run.first_execution_run_id, result_type=int)
    assert await ended.result() >= 1
    with psycopg.connect(database_url) as c:
        assert {key for (key,) in c.execute(LEFT, (org,)).fetchall()} == {young}
