"""How much waits in each task queue of Temporal, for how long, and whether anybody takes from it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client

from models.messages.changes import CHANGES_QUEUE
from models.messages.commands import POSTING_QUEUE, PROCESS_QUEUE
from models.messages.customer_360 import REFRESH_QUEUE
from models.messages.imports import IMPORT_QUEUE
from models.messages.webhooks import WEBHOOK_QUEUE
from models.stuck import Backlog

QUEUES: Final = (POSTING_QUEUE, PROCESS_QUEUE, CHANGES_QUEUE, IMPORT_QUEUE, REFRESH_QUEUE, WEBHOOK_QUEUE)
PATIENCE: Final = timedelta(seconds=2)
_KINDS: Final = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


async def backlogs(client: Client) -> Sequence[Backlog]:
    """Each queue's tasks of workflows and activities together. RPCError where Temporal does not say."""
    return await asyncio.gather(*(_backlog(client, queue) for queue in QUEUES))


async def _backlog(client: Client, queue: str) -> Backlog:
    told = await asyncio.gather(*(_described(client, queue, kind) for kind in _KINDS))
    return Backlog(
        queue=queue,
        waiting=sum(one.stats.approximate_backlog_count for one in told),
        oldest_seconds=max(one.stats.approximate_backlog_age.ToTimedelta().total_seconds() for one in told),
        pollers=min(len(one.pollers) for one in told),
    )


async def _described(client: Client, queue: str, kind: "TaskQueueType.ValueType") -> DescribeTaskQueueResponse:
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_stats=True
    )
    return await client.workflow_service.describe_task_queue(asked, timeout=PATIENCE)
