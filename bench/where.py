"""Where the milliseconds of an apply by HTTP go: by the moments that it passes, and by the processor time of each process.

The moments are those that PostgreSQL and Temporal noted of each apply, on the one clock of this machine; the middle of each
step over all of them. Serial: one apply at a time, so that what no process uses is waiting, for the disk and for each other.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import psycopg
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench.apply import at_rest, prepare
from bench.http import Connection
from bench.processor import processor_seconds
from bench.report import Figure
from bench.stack import BenchStack
from models.db.engine import driver_url

ORG: Final = "org_bench_where"
STEPS: Final = (
    "request until it is being kept: HTTP, token, gate, body",
    "until its process is there: commit, a call of Temporal",
    "until a worker has the process's first task",
    "until the posting transaction begins: workflow, local activity",
    "until the answer: the transaction, its commit, word of it, HTTP",
)
_MOMENTS: Final = """SELECT path, workflow_id, extract(epoch FROM created_at)::float8, extract(epoch FROM finished_at)::float8
    FROM commands WHERE org_id = %s AND path = ANY(%s) AND operation = 'apply_payment'"""


def run(stack: BenchStack, quick: bool) -> list[Figure]:
    customers = stack.organisation(ORG, 64)
    return asyncio.run(_run(stack, customers, 40 if quick else 200))


async def _run(stack: BenchStack, customers: list[str], n: int) -> list[Figure]:
    lane = Connection(stack.port, stack.token(ORG, "u_clerk", "ar_clerk"))
    for path, body in await prepare([lane], customers, 20):
        await _apply(lane, path, body)
    work = await prepare([lane], customers, n)
    await at_rest(stack)
    parts = stack.pids()
    used = {name: processor_seconds([pid]) for name, pid in parts.items()}
    asked = {path: await _apply(lane, path, body) for path, body in work}
    meanwhile = {name: processor_seconds([pid]) - used[name] for name, pid in parts.items()}
    steps = await _steps(stack, asked)
    whole = statistics.median(end - began for began, end in asked.values())
    return [
        *(Figure(name, statistics.median(took) * 1000, "ms") for name, took in zip(STEPS, steps, strict=True)),
        Figure("apply by HTTP, serial p50", whole * 1000, "ms"),
        *(Figure(f"processor time of {name} for each", spent / n * 1000, "ms") for name, spent in meanwhile.items()),
    ]


async def _apply(lane: Connection, path: str, body: Any) -> tuple[float, float]:
    """When it was sent and answered, by the machine's clock."""
    began = time.time()
    await lane.json("POST", path, body)
    return began, time.time()


async def _steps(stack: BenchStack, asked: dict[str, tuple[float, float]]) -> Sequence[Sequence[float]]:
    """Seconds of each step, of every apply."""
    client = await Client.connect(stack.temporal_address)
    async with await psycopg.AsyncConnection.connect(driver_url(stack.database_url, for_sqlalchemy=False)) as conn:
        cursor = await conn.execute(_MOMENTS, (ORG, list(asked)))
        kept = await cursor.fetchall()
    found = []
    for path, workflow, keeping, posting in kept:
        history = await client.get_workflow_handle(workflow).fetch_history()
        at = {e.event_type: e.event_time.ToNanoseconds() / 1e9 for e in reversed(history.events)}
        there, taken = (
            at[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED],
            at[EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED],
        )
        began, answered = asked[path]
        found.append([b - a for a, b in pairwise((began, keeping, there, taken, posting, answered))])
    assert len(found) == len(asked)
    return list(zip(*found, strict=True))
