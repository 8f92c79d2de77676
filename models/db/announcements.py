"""The worker announces to the API's processes that a command has been answered; PostgreSQL passes it on.

Only the command's id travels (LISTEN, NOTIFY); the answer is read. An announcement may get lost, with a connection or
because nobody listens: whoever waits for one has another way to learn it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine

from models.db.engine import driver_url, fetch_once
from models.db.postgres.connection import Access, LoopConnection

_ANNOUNCE: Final = (
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify('arflow_answered', CAST(:command AS text))"
)
AGAIN_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 30.0
log = structlog.get_logger("arflow.announcements")


def announce(engine: Engine, org_id: str, command_id: str) -> None:
    """Say that the command's answer is committed. In a transaction of its own: those that notify end one by one."""
    fetch_once(engine, org_id, _ANNOUNCE, {"command": command_id})


async def listen(database_url: str, heard: Callable[[str], None]) -> None:
    """Call `heard` with the id of each command that is announced, until cancelled; without a connection nothing is heard."""
    access = Access(driver_url(database_url, for_sqlalchemy=False), role=None)
    while True:
        try:
            async with await LoopConnection.open(access) as conn:
                while True:
                    await conn.execute("LISTEN arflow_answered")  # now and then again: a dead line is silent, too
                    async for announced in conn.notifies(timeout=QUIET_SECONDS):
                        heard(announced.payload)
        except psycopg.Error as lost:
            log.info("not listening for a moment", error=type(lost).__name__)
        await asyncio.sleep(AGAIN_SECONDS)
