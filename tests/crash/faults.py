"""A lost database connection at a chosen moment: the backend is terminated for real, as by a crash of the server."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class Faults:
    """Counts the moments at which one engine's work can be interrupted, and interrupts it at one of them.

    The moments: before and after every statement, before and after every commit.
    """

    def __init__(self, engine: Engine, owner_url: str) -> None:
        self.seen: list[str] = []
        self._at: int | None = None
        self._armed = False
        self._owner = psycopg.connect(owner_url, autocommit=True)
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        self._commit = engine.dialect.do_commit
        engine.dialect.do_commit = self._do_commit  # type: ignore[method-assign]  # there is no event after a commit

    def close(self) -> None:
        self._owner.close()

    @contextlib.contextmanager
    def at(self, moment: int | None) -> Iterator[None]:
        """Count from 0 and interrupt at `moment`; None: only count."""
        self.seen, self._at, self._armed = [], moment, True
        try:
            yield
        finally:
            self._armed = False

    def _before(self, _c: Any, cursor: Any, sql: str, *_: Any) -> None:
        self._moment(f"before {' '.join(sql.split())[:60]}", cursor.connection)

    def _after(self, _c: Any, cursor: Any, sql: str, *_: Any) -> None:
        self._moment(f"after {' '.join(sql.split())[:60]}", cursor.connection)

    def _do_commit(self, dbapi_connection: Any) -> None:
        connection = dbapi_connection.driver_connection
        self._moment("before commit", connection)
        self._commit(dbapi_connection)
        if self._moment("after commit", connection):
            connection.execute("SELECT 1")  # raises: committed, but the one who asked will never be told

    def _moment(self, name: str, connection: Any) -> bool:
        if not self._armed:
            return False
        self.seen.append(name)
        if len(self.seen) - 1 != self._at:
            return False
        pid = connection.info.backend_pid
        self._owner.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while self._owner.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            time.sleep(0.001)
        return True
