"""The relay's line to the database; what it says on it stands in `models.db.outbox`."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from models.db.engine import own_connection
from models.db.postgres.connection import ThreadConnection

P = ParamSpec("P")
T = TypeVar("T")


class RelayLine:
    """The relay's connection, and the one thread that speaks on it.

    Who is cancelled while a call is under way leaves the call behind; what comes next, the closing too, waits for it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay")
        self._conn: ThreadConnection | None = None

    async def open(self, engine: Engine) -> None:
        def connect() -> None:
            self._conn = own_connection(engine)

        await self._run(connect)

    async def do(self, work: "Callable[Concatenate[ThreadConnection, P], T]", *args: P.args, **named: P.kwargs) -> T:
        """Do the work with the connection."""

        def call() -> T:
            assert self._conn is not None
            return work(self._conn, *args, **named)

        return await self._run(call)

    async def close(self) -> None:
        """The lock belongs to the session, and ends with it."""

        def close() -> None:
            if self._conn is not None:
                self._conn.close()

        try:
            await self._run(close)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
