"""What work costs, counted: the same on a fast machine and on a slow one, so that a test can hold it.

A clock cannot: the machine's speed changes by two within minutes. What is counted instead is what grows when work is added:
calls of functions in Python, round trips and statements, rows and entries of indexes written, functions called in PostgreSQL.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final, Self
from unittest.mock import patch

import psycopg
from psycopg.pq.abc import PGresult

from models.db.engine import driver_url
from models.db.postgres.connection import ThreadConnection
from tests.books import Books

COUNTED_ON: Final = (3, 11)
"""The Python whose calls are compared: later ones call fewer functions for the same text."""


@dataclass(frozen=True)
class Cost:
    """How much one piece of work costs, on average over some."""

    calls: float
    """Functions called in Python, those written in C included."""
    round_trips: float
    statements: float
    rows: float
    """Rows inserted, updated or deleted."""
    entries: float
    """Rows inserted times the indexes of their table."""
    functions: float
    """Calls of PL/pgSQL functions in the database, those of triggers included."""

    def apart(self, known: Self, slack: float = 0.1) -> str:
        """What is more than was known, or less by as much, in words; empty where nothing is."""
        compared = (f.name for f in fields(self) if f.name != "calls" or sys.version_info[:2] == COUNTED_ON)
        found = ((name, getattr(self, name), getattr(known, name)) for name in compared)
        return "; ".join(f"{name} {now:.3f}, was {was}" for name, now, was in found if abs(now - was) > was * slack)


class Counter:
    """Counts what is done to one database that nobody else uses."""

    def __init__(self, owner_url: str) -> None:
        self._url = driver_url(owner_url, for_sqlalchemy=False)
        with psycopg.connect(self._url, autocommit=True) as owner:
            owner.execute(f"ALTER DATABASE {owner.info.dbname} SET track_functions = 'all'")

    def cost(self, work: Callable[[], object], pieces: int, books: Books) -> Cost:
        """Of `work` on these books, for each of its pieces. Their connections are closed: what these did is told then."""
        books.engine.dispose()
        books.owner.dispose()
        before, trips, calls = self._written(), [0, 0], [0]

        def called(_frame: object, event: str, _argument: object) -> None:
            calls[0] += event in ("call", "c_call")

        with _listening(trips):
            sys.setprofile(called)
            try:
                work()
            finally:
                sys.setprofile(None)
        books.engine.dispose()
        rows, entries, functions = (after - b for after, b in zip(self._written(), before, strict=True))
        return Cost(*(n / pieces for n in (calls[0], *trips, rows, entries, functions)))

    def _written(self) -> tuple[int, int, int]:
        with psycopg.connect(self._url, autocommit=True) as owner:
            _all_else_gone(owner)
            found = owner.execute(
                """SELECT
                     (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables)::bigint,
                     (SELECT sum(t.n_tup_ins * n) FROM pg_stat_user_tables t
                      JOIN (SELECT indrelid, count(*) n FROM pg_index GROUP BY 1) i ON i.indrelid = t.relid)::bigint,
                     (SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions)::bigint"""
            ).fetchone()
        assert found is not None
        return found[0], found[1], found[2]


def _all_else_gone(owner: psycopg.Connection[Any]) -> None:
    """Wait for the end of the other sessions: a session's counts are there when it has ended."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while True:
        found = owner.execute(f"{others} AND backend_type = 'client backend'").fetchone()
        if found == (0,):
            return
        owner.execute("SELECT pg_sleep(0.01)")


@contextmanager
def _listening(trips: list[int]) -> Iterator[None]:
    results = ThreadConnection.results

    def counted(self: ThreadConnection, asked: Any) -> list[PGresult]:
        trips[0] += 1
        trips[1] += len(asked)
        return results(self, asked)

    with patch.object(ThreadConnection, "results", counted):
        yield
