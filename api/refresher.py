"""Asking for fresh panels on behalf of a waiting request, and noting who is looked at.

A refresh is a process with one id per customer and panel. Requests of this process that want the same panel share
one wait: a thousand of them cost one start.
"""

import asyncio
import time
from collections.abc import Collection
from datetime import datetime
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from api.temporal import TemporalLink
from models.customer_360.panels import REFRESH_WAIT_SECONDS
from models.db.customer_360 import panels
from models.db.engine import transaction
from models.messages.customer_360 import REFRESH_QUEUE, PanelRefresh, refresh_workflow_id
from workflows.starting import Start, start

log = structlog.get_logger("arflow.panels")
FLUSH_SECONDS: Final = 2.0
GIVE_UP_SECONDS: Final = 90.0
CAPACITY: Final = 10_000
Key = tuple[str, str, str]


class PanelRefresher:
    """One per API process."""

    def __init__(self, link: TemporalLink, engine: Engine) -> None:
        self._link = link
        self._engine = engine
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._ended: dict[Key, float] = {}
        self._views: set[tuple[str, str]] = set()

    async def refresh(
        self, org_id: str, customer_id: str, names: Collection[str], since: datetime, began: float
    ) -> bool:
        """Wait for these panels for REFRESH_WAIT_SECONDS at most; whether any is worth reading again.

        `since`: when the caller read them, by the database's clock; `began`: when it began to, by the monotonic one of this
        process. One that has been refreshed after that is not asked for again, and what the request has taken already is
        part of what it may wait.
        """
        spent = time.monotonic() - began
        keys = [(org_id, customer_id, name) for name in names]
        known = any(self._ended.get(key, began) > began for key in keys)
        waits = [self._join(key, since) for key in keys if self._ended.get(key, began) <= began]
        if not waits:
            return known
        done, _ = await asyncio.wait(waits, timeout=max(0.0, REFRESH_WAIT_SECONDS - spent))
        return known or bool(done)

    def _join(self, key: Key, since: datetime) -> "asyncio.Task[None]":
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._run(key, since))
            task.add_done_callback(lambda _: self._end(key))
        return task

    async def _run(self, key: Key, since: datetime) -> None:
        org_id, customer_id, panel = key
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                refreshing = Start(
                    "RefreshPanel",
                    PanelRefresh(org_id, customer_id, panel, since),
                    refresh_workflow_id(customer_id, panel),
                    REFRESH_QUEUE,
                    org_id,
                    f"Refresh {panel} of {customer_id}",
                    {"CustomerId": customer_id},
                )
                handle = await start(self._link.client, refreshing)
                await handle.result()
        except (TimeoutError, RPCError, WorkflowFailureError) as error:
            log.warning("panel not refreshed", panel=panel, org_id=org_id, error=type(error).__name__)

    def _end(self, key: Key) -> None:
        self._running.pop(key, None)
        self._ended[key] = time.monotonic()
        while len(self._ended) > CAPACITY:
            del self._ended[next(iter(self._ended))]

    def viewed(self, org_id: str, customer_id: str) -> None:
        """Note the view; written with others in a moment, so that a view itself writes nothing."""
        if len(self._views) < CAPACITY:
            self._views.add((org_id, customer_id))

    async def keep_views(self) -> None:
        """Write the noted views every FLUSH_SECONDS, until cancelled. A lost note harms nobody."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            views, self._views = self._views, set()
            by_org: dict[str, list[str]] = {}
            for org_id, customer_id in views:
                by_org.setdefault(org_id, []).append(customer_id)
            for org_id, seen in by_org.items():
                try:
                    await run_in_threadpool(self._write, org_id, seen)
                except psycopg.Error as error:
                    log.warning("views not kept", error=type(error).__name__)

    def _write(self, org_id: str, seen: list[str]) -> None:
        with transaction(self._engine, org_id, durable=False) as tx:
            panels.viewed(tx, seen)
