"""The floor of (a): a bare workflow in its best variant, in a process of its own.

Eager start, a no-op local activity, and no sandbox, as the product's own posting worker runs it.

Reads `serial N` or `concurrent N WIDTH` from stdin, answers a line of JSON: the seconds of each run and of the whole.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@activity.defn
async def nothing() -> None:
    return None


@workflow.defn
class Bare:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(nothing, start_to_close_timeout=timedelta(seconds=2))


async def main(address: str) -> None:
    client = await Client.connect(address)
    serial = 0

    async def one() -> float:
        nonlocal serial
        serial += 1
        began = time.perf_counter()
        handle = await client.start_workflow(
            Bare.run, id=f"bare-{time.time_ns()}-{serial}", task_queue="bench-floor", request_eager_start=True,
            task_timeout=timedelta(seconds=2),
        )  # fmt: skip
        await handle.result()
        return time.perf_counter() - began

    async with Worker(
        client, task_queue="bench-floor", workflows=[Bare], activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):  # fmt: skip
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            kind, count, *rest = line.split()
            began = time.perf_counter()
            if kind == "serial":
                times = [await one() for _ in range(int(count))]
            else:
                left = iter(range(int(count)))

                async def lane(left: object = left) -> list[float]:
                    return [await one() for _ in left]  # type: ignore[attr-defined]  # an iterator shared by the lanes

                times = [
                    t for lane_times in await asyncio.gather(*(lane() for _ in range(int(rest[0])))) for t in lane_times
                ]
            print(json.dumps({"times": times, "seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
