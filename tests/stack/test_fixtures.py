"""The fixtures themselves: what other tests may rely on."""

import asyncio
from datetime import timedelta

import psycopg
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.stack_fixtures.app import AppStack
from workflows.search_attributes import SEARCH_ATTRIBUTES


@workflow.defn(sandboxed=False)  # this file imports a whole stack
class LongSleep:
    """Sleeps for so many days."""

    @workflow.run
    async def run(self, days: int) -> str:
        await asyncio.sleep(timedelta(days=days).total_seconds())
        return f"{days} days later"


def test_the_database_is_migrated(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_a_fresh_database_is_another_one(database_url: str, fresh_database_url: str) -> None:
    assert fresh_database_url != database_url
    with psycopg.connect(fresh_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


async def test_search_attributes_are_registered(temporal_client: Client) -> None:
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

    known = await temporal_client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=temporal_client.namespace)
    )
    assert dict(known.custom_attributes).items() >= dict(SEARCH_ATTRIBUTES).items()


async def test_a_process_that_a_test_leaves_behind_is_ended_after_it(time_skipping: WorkflowEnvironment) -> None:
    async with Worker(time_skipping.client, task_queue="behind", workflows=[LongSleep]):
        left = await time_skipping.client.start_workflow(LongSleep.run, 100, id="left-behind", task_queue="behind")
        while not any(e.HasField("timer_started_event_attributes") for e in (await left.fetch_history()).events):
            await asyncio.sleep(0.05)


async def test_time_is_skipped(time_skipping: WorkflowEnvironment) -> None:
    async with Worker(time_skipping.client, task_queue="year", workflows=[LongSleep]):
        result = await time_skipping.client.execute_workflow(LongSleep.run, 365, id="a-year", task_queue="year")
    assert result == "365 days later"


def test_the_app_answers(app_stack: AppStack) -> None:
    app_stack.wait_ready()
