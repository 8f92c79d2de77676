"""The word that a command has been answered: heard by whoever waits for it, also after the connection was lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from sqlalchemy import Engine

from models.db.answered import Answered, say
from models.db.engine import make_engine

LISTENERS = "FROM pg_stat_activity WHERE query = 'LISTEN arflow_answered' AND datname = current_database()"


@pytest.fixture
def engine(fresh_database_url: str) -> Iterator[Engine]:
    made = make_engine(fresh_database_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
async def answered(fresh_database_url: str) -> AsyncIterator[Answered]:
    made = Answered(fresh_database_url)
    listening = asyncio.create_task(made.listen())
    await listened(fresh_database_url)
    yield made
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def listened(database_url: str) -> None:
    """Until somebody listens to this database."""
    with psycopg.connect(database_url, autocommit=True) as c:
        async with asyncio.timeout(90):
            while c.execute(f"SELECT 1 {LISTENERS} AND state = 'idle'").fetchone() is None:
                await asyncio.sleep(0.02)


async def test_everybody_who_waits_for_the_command_hears_of_it_and_nobody_else(answered: Answered, engine: Engine):
    with answered.awaited("cmd_a") as one, answered.awaited("cmd_a") as two, answered.awaited("cmd_b") as other:
        say(engine, "org_x", "cmd_a")
        await asyncio.wait_for(asyncio.gather(one, two), 90)
        assert not other.done()
        say(engine, "org_x", "cmd_nobody")
        say(engine, "org_x", "cmd_b")
        await asyncio.wait_for(other, 90)
    assert answered._waiting == {}


async def test_listening_goes_on_after_the_connection_was_lost(
    answered: Answered, engine: Engine, fresh_database_url: str
):
    with psycopg.connect(fresh_database_url, autocommit=True) as c:
        ((ended, pid),) = c.execute(f"SELECT pg_terminate_backend(pid), pid {LISTENERS}").fetchall()
        assert ended
        while c.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            await asyncio.sleep(0.02)
    await listened(fresh_database_url)
    with answered.awaited("cmd_a") as told:
        say(engine, "org_x", "cmd_a")
        await asyncio.wait_for(told, 90)
