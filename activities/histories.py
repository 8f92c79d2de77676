"""Deleting closed executions from Temporal, to the end.

The server takes a deletion up at once and carries it out when its own queues have passed the run's close: on a server
with its usual settings half a minute later. So what has been asked for is looked at until it is so.
"""

import asyncio
from collections.abc import Sequence

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

LOOK_SECONDS = 0.5


class StillRunning(Exception):
    """A run has to close first: the activity's next attempt finds it so."""


async def erase(client: Client, workflow_ids: Sequence[str]) -> None:
    """Delete every run of these workflows. Raises StillRunning; may be repeated."""
    for workflow_id in workflow_ids:
        for run_id in await _runs(client, workflow_id):
            await _delete(client, workflow_id, run_id)
    for workflow_id in workflow_ids:
        while await _latest(client, workflow_id) is not None:
            activity.heartbeat()
            await asyncio.sleep(LOOK_SECONDS)


async def _runs(client: Client, workflow_id: str) -> set[str]:
    """The closed runs: the latest, and earlier ones, of a process that was lost and started again."""
    found = {w.run_id async for w in client.list_workflows(f"WorkflowId = '{workflow_id}'")}
    latest = await _latest(client, workflow_id)
    return found if latest is None else found | {latest}


async def _latest(client: Client, workflow_id: str) -> str | None:
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    if described.close_time is None:
        raise StillRunning(workflow_id)
    return described.run_id


async def _delete(client: Client, workflow_id: str, run_id: str) -> None:
    execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    try:
        await client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
