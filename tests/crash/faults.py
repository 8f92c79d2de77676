"""A lost database connection at a chosen moment: the backend is terminated for real, as by a crash of the server."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine, event

from models.db.postgres.connection import ThreadConnection
from models.db.postgres.statements import Asked


class Faults:
    """Counts the moments at which one engine's work can be interrupted, and interrupts it at one of them.

    The moments: before and after every statement, before and after every commit. Statements that travel together are
    sent one by one here, so that the server can be lost between any two of them.
    """

    def __init__(self, engine: Engine, owner_url: str) -> None:
        self.seen: list[str] = []
        self._at: int | None = None
        self._armed = False
        self._mine: set[int] = set()
        self._owner = psycopg.connect(owner_url, autocommit=True)
        event.listen(engine, "checkout", lambda connection, *_: self._mine.add(connection.info.backend_pid))
        self._execute, self._results = psycopg.Cursor.execute, ThreadConnection.results

    def close(self) -> None:
        self._owner.close()

    @contextlib.contextmanager
    def at(self, moment: int | None) -> Iterator[None]:
        """Count from 0 and interrupt at `moment`; None: only count."""
        self.seen, self._at, self._armed = [], moment, True
        faults = self

        def results(conn: ThreadConnection, asked: Sequence[Asked]) -> list[PGresult]:
            if asked[0][0] != "BEGIN" and conn.info.transaction_status == TransactionStatus.IDLE:
                return faults._interrupted(conn, asked)  # one implicit transaction
            return [answer for one in asked for answer in faults._interrupted(conn, [one])]

        def execute(cursor: "psycopg.Cursor[Any]", query: Any, *given: Any, **more: Any) -> Any:
            name = " ".join(str(query).split())[:60]
            faults._moment(f"before {name}", cursor.connection)
            done = faults._execute(cursor, query, *given, **more)
            faults._moment(f"after {name}", cursor.connection)
            return done

        try:
            with patch.object(ThreadConnection, "results", results), patch.object(psycopg.Cursor, "execute", execute):
                yield
        finally:
            self._armed = False

    def _interrupted(self, conn: ThreadConnection, asked: Sequence[Asked]) -> list[PGresult]:
        sql = asked[-1][0]
        name = "commit" if sql == "COMMIT" else " ".join(sql.split())[:60]
        self._moment(f"before {name}", conn)
        answers = self._results(conn, asked)
        if self._moment(f"after {name}", conn) and name == "commit":
            conn.execute("SELECT 1")  # raises: committed, but the one who asked will never be told
        return answers

    def _moment(self, name: str, connection: "psycopg.Connection[Any]") -> bool:
        if not self._armed or connection.info.backend_pid not in self._mine:
            return False
        self.seen.append(name)
        if len(self.seen) - 1 != self._at:
            return False
        pid = connection.info.backend_pid
        self._owner.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while self._owner.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            time.sleep(0.001)
        return True
