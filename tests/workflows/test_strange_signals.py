"""Whatever a signal brings, the approval chain goes on: the Temporal CLI and other SDKs can send any payload."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.ids import new_id
from models.messages.changes import ActRequest, ChangeInput, ChangeState, SignalInput, SignalResult
from workflows.customer_change import CustomerChange

OPEN = ChangeState(known=True, status="PENDING_APPROVAL", operation="create", lane="yellow")
words: list[Any] = []


@activity.defn(name="change_act")
async def change_act(request: ActRequest) -> ChangeState:
    return OPEN


@activity.defn(name="change_signal")
async def change_signal(said: SignalInput) -> SignalResult:
    words.append(said.word)
    return SignalResult(OPEN, "SIGNAL_MALFORMED")


@pytest.mark.parametrize("word", [b"\xff\xfe", Timestamp(seconds=1), ["a"], "a", 1.5, None])
async def test_a_word_that_is_no_decision_is_refused_and_nothing_fails(temporal_client: Client, word: Any) -> None:
    words.clear()
    queue = new_id("queue")
    async with Worker(
        temporal_client, task_queue=queue, workflows=[CustomerChange], activities=[change_act, change_signal],
        activity_executor=ThreadPoolExecutor(2), workflow_runner=UnsandboxedWorkflowRunner(),
    ):  # fmt: skip
        start = ChangeInput("org_1", new_id("chg"), "cmd_1", 2)
        handle = await temporal_client.start_workflow("CustomerChange", start, id=new_id("run"), task_queue=queue)
        await handle.signal("decide", word)
        async with asyncio.timeout(30):
            while not words:
                await asyncio.sleep(0.05)
        kinds = {e.event_type for e in (await handle.fetch_history()).events}
        await handle.terminate("seen")
    assert words == [None]
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
