"""Where one worker of a client fails the others end with it, in time; in good order they take what they need."""

import asyncio
from contextlib import suppress

import pytest
from temporalio import activity
from temporalio.worker import Worker

from models.ids import new_id
from settings import Settings
from workflows import ending
from workflows.connection import connect
from workflows.ending import EndsInTime, LeftBehind


@activity.defn
async def nothing() -> None:
    pass


async def hangs(_: Worker) -> None:
    """As the SDK's shutdown does where its core does not give something back: until it is cancelled a second time."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    await asyncio.sleep(60)


async def test_a_worker_that_does_not_end_is_left_behind_where_one_has_failed(
    temporal_address: str, temporal_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "ENDS_WITHIN", 0.3)
    settings, all_of_them = (
        Settings(temporal_address=temporal_address, temporal_namespace=temporal_namespace),
        EndsInTime(),
    )
    client = await connect(settings, plugins=[all_of_them])
    failing, another = (Worker(client, task_queue=new_id("queue"), activities=[nothing]) for _ in range(2))
    orderly = asyncio.create_task(all_of_them.run_worker(another, hangs))
    await asyncio.sleep(0)
    orderly.cancel()
    assert not (await asyncio.wait([orderly], timeout=1))[0], "nobody has failed: it takes what it needs"
    real = asyncio.create_task(another.run())
    stuck = [asyncio.create_task(all_of_them.run_worker(one, hangs)) for one in (failing, another)]
    await asyncio.sleep(0.1)
    told = failing.config(active_config=True)["on_fatal_error"]
    assert told is not None
    await told(RuntimeError("Workflow worker failed"))
    ended = await asyncio.wait_for(asyncio.gather(orderly, real, *stuck, return_exceptions=True), 20)
    assert [type(e) for e in ended] == [asyncio.CancelledError, asyncio.CancelledError, LeftBehind, LeftBehind]
