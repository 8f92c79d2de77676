"""A few asynchronous connections for the reads that are measured in milliseconds.

A read on a thread costs two hand-overs between threads, and at many reads at once the threads fight for the
interpreter. These reads wait on the event loop instead. One per process, made after any fork; see decision 30.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, sql

from models.db.engine import ACT_AS, APP_ROLE, driver_url

SIZE: Final = 8
CONNECT_SECONDS: Final = 2


class QuickReads:
    """Reads of one row, each in one round trip and one implicit transaction, as one organisation."""

    def __init__(self, database_url: str, *, size: int = SIZE, role: str | None = APP_ROLE) -> None:
        self._url = driver_url(database_url, for_sqlalchemy=False)
        self._role = role
        self._places = asyncio.Semaphore(size)
        self._idle: list[AsyncConnection[Any]] = []

    async def fetch(self, org_id: str, query: str, params: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """As `engine.fetch_once`; a connection that was lost meanwhile is replaced, once."""
        async with self._places:
            for attempt in (1, 2):
                conn = self._idle.pop() if self._idle else await self._connect()
                try:
                    row = await _pipelined(conn, org_id, query, params)
                except BaseException as error:
                    # Whatever broke the read off (a caller who went away, too) may have left an answer on the way.
                    await conn.close()
                    if attempt == 2 or not isinstance(error, psycopg.OperationalError):
                        raise
                    await self.close()  # a server that restarted has ended the idle ones as well
                else:
                    self._idle.append(conn)
                    return row
        raise AssertionError("unreachable")

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> AsyncConnection[Any]:
        conn = await AsyncConnection.connect(
            self._url, autocommit=True, prepare_threshold=2, connect_timeout=CONNECT_SECONDS, options="-c timezone=UTC"
        )
        if self._role is not None:
            await conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self._role)))
        return conn


async def _pipelined(
    conn: AsyncConnection[Any], org_id: str, query: str, params: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    async with conn.pipeline():
        await conn.execute(ACT_AS, (org_id,))
        cursor = await conn.execute(query.encode(), params)
    row: tuple[Any, ...] | None = await cursor.fetchone()
    return row
