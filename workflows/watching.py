"""The watch: every half minute it is looked for what stands still. By each API and each worker, so that somebody does where
all of the others are gone; and each says that it is there itself."""

import asyncio
import os
import socket
from typing import Final, Literal

import psycopg
import structlog
from sqlalchemy import Engine

from models.db import open_work, standing
from models.db.engine import own_connection
from models.standing import Patience
from operations.standing import watch

log = structlog.get_logger("arflow.watch")

EVERY_SECONDS: Final = 30.0


async def keep_watching(
    engine: Engine, kind: Literal["api", "worker"], build: str | None, patience: Patience | None = None
) -> None:
    """Look now and for ever; outlives the database's absence. Runs until cancelled."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            await asyncio.to_thread(_look, engine, kind, name, build, patience or Patience())
        except psycopg.Error as error:
            log.warning("watch interrupted", error=type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


def _look(engine: Engine, kind: str, name: str, build: str | None, patience: Patience) -> None:
    standing.say_there(engine, kind, name, build)
    conn = own_connection(engine)
    try:
        if open_work.try_watch(conn) and (found := watch(engine, patience)):
            log.warning("something stands still", number=found)
    finally:
        conn.close()
