"""Workers of the product's own workflows on the time-skipping server."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models.db.engine import make_engine
from models.ids import new_id
from tests.cash_desk.desk import Desk, new_organisation


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = make_engine(database_url, pool_size=4)
    yield Desk(engine, new_organisation(database_url))
    engine.dispose()


@pytest.fixture
def worker_of(time_skipping: WorkflowEnvironment) -> "Callable[[Sequence[type], Sequence[Any]], Worker]":
    """A worker of these workflows and activities, on a queue of its own (`worker.task_queue`)."""

    def make(workflows: Sequence[type], activities: Sequence[Any]) -> Worker:
        return Worker(
            time_skipping.client, task_queue=new_id("queue"), workflows=list(workflows), activities=list(activities),
            activity_executor=ThreadPoolExecutor(4),
        )  # fmt: skip

    return make
