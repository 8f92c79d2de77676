"""Word from the worker to the API's processes that a command has been answered, passed on by PostgreSQL.

Only the command's id travels (LISTEN, NOTIFY); the answer is read. A word may get lost, with a connection or because
nobody listens: whoever waits for one has another way to learn it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine

from models.db.engine import driver_url, fetch_once
from models.db.postgres.connection import Access, LoopConnection

_SAY: Final = (
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify('arflow_answered', CAST(:command AS text))"
)
AGAIN_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 30.0
log = structlog.get_logger("arflow.answered")


def say(engine: Engine, org_id: str, command_id: str) -> None:
    """Say that the command's answer is committed. In a transaction of its own: those that say something end one by one."""
    fetch_once(engine, org_id, _SAY, {"command": command_id})


class Answered:
    """The words that come to this process, and who waits for them. One per event loop."""

    def __init__(self, database_url: str) -> None:
        self._access = Access(driver_url(database_url, for_sqlalchemy=False), role=None)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    async def listen(self) -> None:
        """Hear what is said, until cancelled; without a connection nothing is heard."""
        while True:
            try:
                async with await LoopConnection.open(self._access) as conn:
                    while True:
                        await conn.execute("LISTEN arflow_answered")  # now and then again: a dead line is silent, too
                        async for word in conn.notifies(timeout=QUIET_SECONDS):
                            self._wake(word.payload)
            except psycopg.Error as lost:
                log.info("not listening for a moment", error=type(lost).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    @contextmanager
    def awaited(self, command_id: str) -> "Iterator[asyncio.Future[None]]":
        """Done once the command's answer is said to be there. Several requests may wait for one command."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, set()).add(mine)
        try:
            yield mine
        finally:
            others = self._waiting.get(command_id, set())
            others.discard(mine)
            if not others:
                self._waiting.pop(command_id, None)

    def _wake(self, command_id: str) -> None:
        for one in self._waiting.get(command_id, ()):
            if not one.done():
                one.set_result(None)
