"""A few connections on the event loop for what is measured in milliseconds: some reads, and keeping a request.

A statement on a thread costs two hand-overs between threads, and at many at once the threads fight for the interpreter.
These wait on the event loop instead; a row is the text that PostgreSQL wrote, as bytes (decision 0042).
"""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import psycopg

from models.db.postgres.connection import Access, LoopConnection
from models.db.postgres.pipeline import RawRow, first_raw
from models.db.postgres.statements import ACT_AS

SIZE: Final = 8
"""Connections: PostgreSQL works for some while the answers of others are written."""
Parameter = str | bool | Sequence[str] | None
GENERIC_PLANS: Final = "SET plan_cache_mode = force_generic_plan"
"""The plan of such a read does not depend on its parameters, and making it anew would take longer than the read."""


class LoopReads:
    """Statements of one row, each in one round trip and one implicit transaction, as one organisation.

    A statement may be sent again where its connection was lost: repeating it must change nothing. One per process, made
    after any fork.
    """

    def __init__(self, access: Access, *, size: int) -> None:
        self._access = access
        self._places = asyncio.Semaphore(size)
        self._idle: list[LoopConnection] = []
        self._queued: dict[Hashable, asyncio.Task[RawRow | None]] = {}

    async def fetch(self, org_id: str, query: str, params: Mapping[str, Parameter]) -> RawRow | None:
        """As `engine.fetch_once`; a connection that was lost meanwhile is replaced, once.

        While all connections are busy, who asks the same shares the read that waits for one: it begins later than
        each of them asked, so nobody is told less than the database knew at that time.
        """
        if not self._places.locked():
            async with self._places:
                return await self._read(org_id, query, params)
        key = (org_id, query, *(tuple(v) if isinstance(v, list) else v for v in params.values()))
        task = self._queued.get(key)
        if task is None:
            task = self._queued[key] = asyncio.create_task(self._read_later(key, org_id, query, params))
        return await asyncio.shield(task)  # one caller who goes away takes nothing from the others

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def _read_later(
        self, key: Hashable, org_id: str, query: str, params: Mapping[str, Parameter]
    ) -> RawRow | None:
        try:
            async with self._places:
                del self._queued[key]  # whoever asks from here on has to ask anew
                return await self._read(org_id, query, params)
        finally:
            if self._queued.get(key) is asyncio.current_task():
                del self._queued[key]

    async def _read(self, org_id: str, query: str, params: Mapping[str, Parameter]) -> RawRow | None:
        for attempt in (1, 2):
            conn = self._idle.pop() if self._idle else await LoopConnection.open(self._access)
            try:
                _, answer = await conn.results([(ACT_AS, {"org": org_id}), (query, params)])
            except psycopg.OperationalError:
                if attempt == 2 or not conn.closed:
                    raise
                await self.close()  # a server that restarted has ended the idle ones as well
            else:
                return first_raw(answer)
            finally:
                if not conn.closed:
                    self._idle.append(conn)
        raise AssertionError("unreachable")
