"""However many slices an import takes, the history of each of its runs stays short: it goes on in a new run."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import activities.imports
import workflows.imports
from activities.imports import ImportActivities
from models.ids import new_id
from models.messages.imports import ImportInput, import_workflow_id
from tests.imports.in_process import Desk, desk
from tests.imports.support import table

ROWS = 30
LIMIT = 40
ONE_SLICE = 20
"""More events than one slice makes, whatever else happens in it."""


@pytest.fixture
def clerk(fresh_database_url: str) -> Iterator[Desk]:
    with desk(fresh_database_url) as d:
        yield d


async def test_an_import_of_many_slices_goes_on_in_new_runs_and_executes_each_row_once(
    clerk: Desk, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.imports, "HISTORY_LIMIT", LIMIT)
    monkeypatch.setattr(activities.imports, "SLICE_SECONDS", 0.0)  # a batch a slice
    import_id = clerk.validated(
        table([(f"Row {n}", f"row.{n}@example.com") for n in range(ROWS)]), batch_size=1, source="csv"
    )
    clerk.approve(import_id)
    does, queue = ImportActivities(clerk.engine), new_id("queue")
    with ThreadPoolExecutor(4) as threads:
        worker = Worker(
            temporal_client, task_queue=queue, workflows=[workflows.imports.CustomerImport],
            activities=[does.act, does.stage, does.validate, does.execute, does.overdue], activity_executor=threads,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )  # fmt: skip
        async with worker:
            first = await temporal_client.start_workflow(
                "CustomerImport", ImportInput(clerk.org, import_id), id=import_workflow_id(import_id), task_queue=queue
            )
            await asyncio.wait_for(first.result(), 60)
    runs, run_id = [], first.first_execution_run_id
    while run_id:
        history = await temporal_client.get_workflow_handle(first.id, run_id=run_id).fetch_history()
        runs.append(len(history.events))
        end = history.events[-1]
        run_id = end.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    assert len(runs) > 2, runs
    assert max(runs) <= LIMIT + ONE_SLICE, runs
    row = clerk.row(import_id)
    assert (row.status, row.created, row.failed) == ("COMPLETED", ROWS, 0)
    assert clerk.sql("SELECT count(*) AS n FROM customers WHERE org_id = :org")[0]["n"] == ROWS
