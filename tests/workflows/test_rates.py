"""Rates by the clock: a file that does not come keeps nobody from looking at those in use."""

import asyncio

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleOverlapPolicy

from tests.stack_fixtures.app import AppStack


async def test_the_schedule_looks_at_rates_though_nothing_is_to_be_fetched(
    app_stack: AppStack, temporal_client: Client
) -> None:
    app_stack.organisation("Rates")
    handle = temporal_client.get_schedule_handle("keep-rates")
    await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    async with asyncio.timeout(120):
        while not (actions := (await handle.describe()).info.recent_actions):
            await asyncio.sleep(0.2)
    run = actions[-1].action
    assert isinstance(run, ScheduleActionExecutionStartWorkflow)
    ended = temporal_client.get_workflow_handle(run.workflow_id, run_id=run.first_execution_run_id, result_type=int)
    assert await ended.result() >= 0
