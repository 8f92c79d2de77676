"""The word that a command has been answered: heard by whoever waits for it, also after the connection was lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial

import psycopg
import pytest
from sqlalchemy import Engine

from models.commands import Answered
from models.db import announcements
from models.db.announcements import announce, listen
from models.db.engine import make_engine
from operations import answers

LISTENERS = "FROM pg_stat_activity WHERE query = 'LISTEN arflow_answered' AND datname = current_database()"


@pytest.fixture
def engine(fresh_database_url: str) -> Iterator[Engine]:
    made = make_engine(fresh_database_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
async def listening(fresh_database_url: str) -> AsyncIterator[None]:
    task = asyncio.create_task(listen(fresh_database_url, partial(answers.hand_over, answer=None)))
    await listened(fresh_database_url)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def waiting(command_id: str) -> "Iterator[asyncio.Future[Answered | None]]":
    with answers.waiting_for(command_id) as told:
        yield asyncio.wrap_future(told)


async def listened(database_url: str) -> None:
    """Until somebody listens to this database."""
    with psycopg.connect(database_url, autocommit=True) as c:
        async with asyncio.timeout(90):
            while c.execute(f"SELECT 1 {LISTENERS} AND state = 'idle'").fetchone() is None:
                await asyncio.sleep(0.02)


async def test_everybody_who_waits_for_the_command_hears_of_it_and_nobody_else(listening: None, engine: Engine):
    with waiting("cmd_a") as one, waiting("cmd_a") as two, waiting("cmd_b") as other:
        announce(engine, "org_x", "cmd_a")
        await asyncio.wait_for(asyncio.gather(one, two), 90)
        assert not other.done()
        announce(engine, "org_x", "cmd_nobody")
        announce(engine, "org_x", "cmd_b")
        await asyncio.wait_for(other, 90)
    assert answers._waiting == {}


async def test_listening_goes_on_after_the_connection_was_lost(
    listening: None, engine: Engine, fresh_database_url: str
):
    with psycopg.connect(fresh_database_url, autocommit=True) as c:
        ((ended, pid),) = c.execute(f"SELECT pg_terminate_backend(pid), pid {LISTENERS}").fetchall()
        assert ended
        while c.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            await asyncio.sleep(0.02)
    await listened(fresh_database_url)
    with waiting("cmd_a") as told:
        announce(engine, "org_x", "cmd_a")
        await asyncio.wait_for(told, 90)


async def test_whoever_hears_nothing_for_a_while_listens_on_over_the_same_connection(
    engine: Engine, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(announcements, "QUIET_SECONDS", 0.1)
    task = asyncio.create_task(listen(fresh_database_url, partial(answers.hand_over, answer=None)))
    listeners: set[int] = set()
    with psycopg.connect(fresh_database_url, autocommit=True) as c:
        for _ in range(20):
            await asyncio.sleep(0.1)
            listeners |= {pid for (pid,) in c.execute(f"SELECT pid {LISTENERS}")}
    with waiting("cmd_a") as told:
        announce(engine, "org_x", "cmd_a")
        await asyncio.wait_for(told, 90)
    assert len(listeners) == 1
    task.cancel()
