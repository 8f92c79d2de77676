"""A few asynchronous connections for what is measured in milliseconds: some reads, and keeping a request.

A statement on a thread costs two hand-overs between threads, and at many at once the threads fight for the
interpreter. These wait on the event loop instead. Their values are not turned into Python objects either: a row
is the text that PostgreSQL wrote, as bytes. The statements are few and constant, so each connection prepares one the
first time and names it from then on. One `Quick` per process, made after any fork; see decision 0042.
"""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.pq import ExecStatus

from models.db.engine import APP_ROLE, IN_UTC, driver_url
from models.db.wire import numbered

SIZE: Final = 8
"""Connections: PostgreSQL works for some while the answers of others are written."""
CONNECT_SECONDS: Final = 2
RawRow = tuple[bytes | None, ...]
"""A row as PostgreSQL wrote it, by the order of its columns."""
Parameter = str | bool | Sequence[str] | None

_SETTINGS: Final = f"{IN_UTC}; SET plan_cache_mode = force_generic_plan"
"""The plan of such a read does not depend on its parameters, and making it anew would take longer than the read."""
_ACT_AS: Final = b"SELECT set_config('arflow.org_id', $1, true)"


class Quick:
    """Statements of one row, each in one round trip and one implicit transaction, as one organisation.

    A statement may be sent again where its connection was lost: repeating it must change nothing.
    """

    def __init__(self, database_url: str, *, size: int = SIZE, role: str | None = APP_ROLE) -> None:
        self._url = driver_url(database_url, for_sqlalchemy=False)
        self._role = role
        self._places = asyncio.Semaphore(size)
        self._idle: list[_Line] = []
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
            line = self._idle.pop() if self._idle else await self._connect()
            try:
                row = await line.fetch(org_id, query, params)
            except BaseException as error:
                # Whatever broke the read off (a caller who went away, too) may have left an answer on the way.
                await line.close()
                if attempt == 2 or not isinstance(error, psycopg.OperationalError):
                    raise
                await self.close()  # a server that restarted has ended the idle ones as well
            else:
                self._idle.append(line)
                return row
        raise AssertionError("unreachable")

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> "_Line":
        conn = await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS)
        await conn.execute(_SETTINGS)
        if self._role is not None:
            await conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self._role)))
        return _Line(conn)


class _Line:
    """One connection, in libpq's pipeline mode for good. psycopg opened it; its cursors are not used any more."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn, self._pq = conn, conn.pgconn
        self._pq.nonblocking = 1
        self._pq.enter_pipeline_mode()
        self._names: dict[str, tuple[bytes, tuple[str, ...]]] = {}
        """Of each statement prepared here: its name at the server, and its parameters in order."""
        self._prepared = 0
        self._pq.send_prepare(b"act_as", _ACT_AS)

    async def fetch(self, org_id: str, query: str, params: Mapping[str, Parameter]) -> RawRow | None:
        """The first row. A refused statement is the psycopg error that it would be anywhere else."""
        if (known := self._names.get(query)) is None:
            known = self._prepare(query)
        name, order = known
        self._pq.send_query_prepared(b"act_as", [org_id.encode()])
        self._pq.send_query_prepared(name, [as_text(params[p]) for p in order])
        self._pq.pipeline_sync()
        row = await self._answer()
        self._names[query] = known
        return row

    def _prepare(self, query: str) -> tuple[bytes, tuple[str, ...]]:
        """Send a statement ahead of its first use, under a name that was never used: its use may yet be refused."""
        text, order = numbered(query)
        self._prepared += 1
        name = b"q%d" % self._prepared
        self._pq.send_prepare(name, text)
        return name, order

    async def _answer(self) -> RawRow | None:
        """Read up to the end of the implicit transaction; the row of the last statement."""
        row, error, nothing = None, None, 0
        while self._pq.flush():
            await self._ready(write=True)
        while True:
            while self._pq.is_busy():
                await self._ready()
                self._pq.consume_input()
            result = self._pq.get_result()
            if result is None:  # once after each statement; for ever where nothing more will come
                nothing += 1
                if nothing > 1:
                    raise psycopg.OperationalError("the connection was lost")
                continue
            nothing = 0
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
            if result.status == ExecStatus.FATAL_ERROR:
                error = error or psycopg.errors.error_from_result(result)
            row = tuple(result.get_value(0, n) for n in range(result.nfields)) if result.ntuples else None
        if error is not None:
            raise error
        return row

    async def _ready(self, *, write: bool = False) -> None:
        """Until the socket can be read, or written; OperationalError where the connection is gone meanwhile."""
        loop, socket = asyncio.get_running_loop(), self._pq.socket
        add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
        ready = loop.create_future()
        add(socket, _done, ready)
        try:
            await ready
        finally:
            remove(socket)

    async def close(self) -> None:
        await self._conn.close()


def _done(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def as_text(value: Parameter) -> bytes | None:
    """A parameter as PostgreSQL reads it."""
    if value is None or isinstance(value, bool):
        return None if value is None else b"t" if value else b"f"
    if isinstance(value, str):
        return value.encode()
    quoted = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
    return ("{" + ",".join(quoted) + "}").encode()
