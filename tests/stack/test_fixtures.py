"""The fixtures themselves: what other tests may rely on."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from stack.search_attributes import SEARCH_ATTRIBUTES
from tests.stack_fixtures.app import AppStack


@workflow.defn(sandboxed=False)  # this file imports a whole stack
class AYear:
    """Sleeps for a year."""

    @workflow.run
    async def run(self) -> str:
        await asyncio.sleep(timedelta(days=365).total_seconds())
        return "a year later"


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


@pytest.mark.timeout(600)
async def test_time_is_skipped(time_skipping: WorkflowEnvironment) -> None:
    async with Worker(time_skipping.client, task_queue="year", workflows=[AYear]):
        result = await time_skipping.client.execute_workflow(AYear.run, id="a-year", task_queue="year")
    assert result == "a year later"


def test_the_app_answers(app_stack: AppStack) -> None:
    with app_stack.client("org_x", "u_clerk", "ar_clerk") as client:
        assert client.get("/readyz").status_code == 200
