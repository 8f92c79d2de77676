"""The API's way to Temporal: made whenever it first answers, and made anew where it breaks for good.

An API serves without it what needs no process. Postings run on a worker inside this process: they start eagerly, without a hop
to another one.
"""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

import tracing
from activities.task_failures import measured_runtime
from models.tls import reason
from settings import Settings
from worker import posting_worker
from workflows.connection import (
    AGAIN_SECONDS,
    KeyRefused,
    TemporalAway,
    bars,
    connect_once_there,
    is_key_refused,
    keep_key,
)
from workflows.ending import EndsInTime, being_cancelled
from workflows.tls import why_refused

log = structlog.get_logger("arflow.api")


class TemporalLink:
    """The client of this process and its worker of postings, kept by `keep`."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._client: Client | None = None
        self._there = asyncio.Event()
        self._away: TemporalAway | None = None

    @property
    def client(self) -> Client:
        """Raises RPCError UNAVAILABLE, as the client itself does in an outage, until the server first answers."""
        if self._client is None:
            raise RPCError("Temporal has not answered yet", RPCStatusCode.UNAVAILABLE, b"")
        return self._client

    @property
    def connected(self) -> Client | None:
        """The client, where there was ever one."""
        return self._client

    async def wait(self, seconds: float) -> None:
        """For the first connection, so long and no longer."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._there.wait(), seconds)

    async def keep(self) -> None:
        """Connect, and carry postings out, until cancelled. A worker that ends (its namespace is gone, for one) is begun
        again."""
        while True:
            try:
                client = await connect_once_there(
                    self._settings, tracing.interceptors(), measured_runtime(), self._note, [EndsInTime()]
                )
                worker = posting_worker(client, self._engine)
                self._client, self._away = client, None
                self._there.set()
                await self._work(client, worker)
            except Exception as error:  # the SDK raises what its core says, of no common type
                if being_cancelled():
                    return
                log.error(
                    "postings have no worker; it is begun again", error=type(error).__name__, why=str(error)[:200]
                )
            self._there.clear()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _work(self, client: Client, worker: Worker) -> None:
        keeping = asyncio.create_task(keep_key(client, self._settings))
        try:
            await worker.run()
        finally:
            keeping.cancel()

    def _note(self, away: TemporalAway) -> None:
        self._away = away

    async def problem(self) -> str | None:
        """What stands in the way of processes."""
        if not self._there.is_set():
            without = "does not answer" if self._client is None else "its namespace takes no worker of postings"
            return (self._away and self._away.why) or without
        try:
            serving = await self.client.service_client.check_health()
        except RPCError as error:
            if is_key_refused(error):
                return KeyRefused.why
            if why := reason(str(error)) or await asyncio.to_thread(why_refused, self._settings):
                return why
            raise
        if not serving:
            return "not serving"
        barred = await bars(self.client)  # the polls of its worker hear of it minutes later
        return barred.why if barred else None
