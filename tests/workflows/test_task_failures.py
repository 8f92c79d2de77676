"""Runs that cannot go on are counted: a process that stumbles, and one that decides otherwise in replay."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.task_failures import NAME, measured_runtime
from models.ids import new_id
from workflows.conversion import DATA_CONVERTER


@workflow.defn(name="Stumbling")
class Stumbling:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("a fault of the code")


@workflow.defn(name="Wavering")
class Before:
    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(1)


@workflow.defn(name="Wavering")
class After:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


def failures(process: str) -> dict[str, float]:
    found = [s for m in REGISTRY.collect() if m.name == NAME for s in m.samples]
    return {s.labels["reason"]: s.value for s in found if s.labels["workflow"] == process}


@pytest.mark.parametrize(
    ("name", "builds", "reason"),
    [("Stumbling", [Stumbling], "WorkflowError"), ("Wavering", [Before, After], "NonDeterminismError")],
)
async def test_a_failed_task_is_counted_by_process_and_reason(
    temporal_client: Client, name: str, builds: list[Any], reason: str
) -> None:
    client = await Client.connect(
        temporal_client.service_client.config.target_host,
        namespace=temporal_client.namespace,
        data_converter=DATA_CONVERTER,
        runtime=measured_runtime(),
    )
    queue, before = new_id("queue"), failures(name).get(reason, 0.0)
    handle = await client.start_workflow(name, id=new_id("run"), task_queue=queue)
    for build in builds:
        async with Worker(client, task_queue=queue, workflows=[build], workflow_runner=UnsandboxedWorkflowRunner()):
            async with asyncio.timeout(30):
                while build is not builds[-1] and len((await handle.fetch_history()).events) < 5:
                    await asyncio.sleep(0.05)
                while build is builds[-1] and failures(name).get(reason, 0.0) <= before:
                    await asyncio.sleep(0.2)
    await handle.terminate("seen")
