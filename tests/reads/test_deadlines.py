# ruff: noqa: PT012 - what a transaction raises, it raises at its end
"""Nothing waits for PostgreSQL for ever: not for a long statement, and not for a server that is not heard any more."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine

from models.db.attempts import attempts
from models.db.engine import ask, fetch_once, make_engine, make_reads, transaction, verifying_role
from models.db.migrate import migrate
from models.db.postgres import connection
from models.db.streaming import stream
from tests.books import Books

LIMIT = 1
SOON = 30.0
"""Far less than the statements would take, far more than any machine takes to give up."""


@pytest.fixture
def engine(books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """One connection, whose statements may take a second."""
    monkeypatch.setattr(connection, "GRACE_SECONDS", 1)
    made = make_engine(books.owner_url, pool_size=1, statement_seconds=LIMIT)
    yield made
    made.dispose()


@contextlib.contextmanager
def silent(pid: int) -> Iterator[None]:
    """The server's process is there and says nothing; it goes on afterwards."""
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - began < SOON


def pid_of(engine: Engine) -> int:
    return int(ask(engine, "SELECT pg_backend_pid() AS pid")[0]["pid"])


def test_a_statement_that_takes_too_long_ends_and_its_connection_serves_on(books: Books, engine: Engine) -> None:
    pid = pid_of(engine)
    with pytest.raises(errors.QueryCanceled), transaction(engine, books.org) as tx:
        tx.run("SELECT pg_sleep(60)")
    with pytest.raises(errors.QueryCanceled):
        fetch_once(engine, books.org, "SELECT pg_sleep(60)", {})
    assert pid_of(engine) == pid


@pytest.mark.parametrize("waiting", ["in a transaction", "at the commit", "for a cursor", "for all"])
def test_a_server_that_is_not_heard_is_given_up(books: Books, engine: Engine, waiting: str) -> None:
    with transaction(engine, books.org) as tx:
        pid = int(tx.scalar("SELECT pg_backend_pid()"))
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError), silent(pid):
        if waiting == "for all":
            ask(engine, "SELECT 1")
        with transaction(engine, books.org) as tx:
            if waiting == "in a transaction":
                tx.run("SELECT 1")
            elif waiting == "for a cursor":
                list(stream(tx, "SELECT 1 AS one"))
            elif waiting == "at the commit":
                tx.later("SELECT 1")
    assert time.monotonic() - began < SOON
    assert pid_of(engine) != pid


def test_a_read_asks_again_on_another_connection_where_the_server_is_not_heard(books: Books, engine: Engine) -> None:
    pid = pid_of(engine)
    with silent(pid):
        row = fetch_once(engine, books.org, "SELECT pg_backend_pid()", {})
    assert row is not None
    assert int(row[0] or b"0") != pid


async def test_a_server_that_is_not_heard_is_given_up_on_the_event_loop(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "GRACE_SECONDS", 1)
    reads = make_reads(books.owner_url, size=1, statement_seconds=LIMIT)
    with pytest.raises(errors.QueryCanceled):
        await reads.fetch(books.org, "SELECT pg_sleep(60)", {})
    ask_pid: tuple[str, dict[str, str]] = ("SELECT pg_backend_pid()", {})
    row = await reads.fetch(books.org, *ask_pid)
    assert row is not None
    pid = int(row[0] or b"0")
    with silent(pid):
        again = await asyncio.wait_for(reads.fetch(books.org, *ask_pid), SOON)  # on another connection
    assert again is not None
    assert int(again[0] or b"0") != pid
    await reads.close()


@pytest.mark.parametrize("connects", [migrate, verifying_role])
def test_who_connects_to_what_never_answers_gives_up(connects: Callable[[str], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connects(f"postgresql://arflow@127.0.0.1:{dumb.getsockname()[1]}/arflow")
        assert time.monotonic() - began < SOON


def test_a_pool_that_is_exhausted_is_an_outage(books: Books) -> None:
    engine = make_engine(books.owner_url, pool_size=1)
    engine.pool._timeout = 0.2  # type: ignore[attr-defined]
    with transaction(engine, books.org) as one, transaction(engine, books.org) as two:
        assert one.scalar("SELECT 1") == two.scalar("SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError, match="in use"):
            pid_of(engine)
    engine.dispose()


def test_what_was_prepared_before_a_migration_is_prepared_anew(books: Books) -> None:
    one = make_engine(books.owner_url, pool_size=1, role=None)
    ask(one, "CREATE TABLE grows (n int)")
    for _ in range(3):
        assert ask(one, "SELECT * FROM grows") == []
    books.sql("ALTER TABLE grows ADD COLUMN m int")
    assert ask(one, "SELECT * FROM grows") == []
    ask(one, "INSERT INTO grows VALUES (1, 2)")
    assert ask(one, "SELECT * FROM grows") == [{"n": 1, "m": 2}]
    books.sql("ALTER TABLE grows ADD COLUMN k int")
    seen = []
    for attempt in attempts(one, books.org):  # in the middle of a transaction: all of it again
        with attempt as tx:
            seen.append(tx.scalar("SELECT 1"))
            row = tx.one("SELECT * FROM grows")
    assert (row, len(seen)) == ({"n": 1, "m": 2, "k": None}, 2)
    ask(one, "DROP TABLE grows")
    one.dispose()
