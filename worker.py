"""Composition root of the workers: clients, registrations, tuning; no logic.

The posting worker also lives in each API process (see api/lifespan.py): a posting starts eagerly there and needs no
hop to another process. `arflow worker` polls the same queue, so that a posting whose API died is finished.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.worker import Worker

from activities.commands import CommandActivities
from models.db.engine import make_engine
from models.messages.commands import POSTING_QUEUE
from settings import Settings
from workflows.connection import connect
from workflows.payments import POSTING_WORKFLOWS

GRACE = timedelta(seconds=5)


def posting_worker(client: Client, engine: Engine, threads: int = 24) -> Worker:
    """The worker of the queue `posting`."""
    return Worker(
        client,
        task_queue=POSTING_QUEUE,
        workflows=list(POSTING_WORKFLOWS),
        activities=[CommandActivities(engine).execute_command],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="posting"),
        max_concurrent_local_activities=threads,
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
    )


async def run_worker(settings: Settings) -> None:
    """Run until cancelled; what has begun is finished within the grace period."""
    client = await connect(settings)
    engine = make_engine(settings.app_url(), pool_size=settings.database_pool_size)
    workers = [posting_worker(client, engine)]
    try:
        async with asyncio.TaskGroup() as running:
            for w in workers:
                running.create_task(w.run())
    finally:
        engine.dispose()
