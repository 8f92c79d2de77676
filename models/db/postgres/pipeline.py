"""Any number of statements to PostgreSQL and back, in one round trip.

psycopg's cursors are made for one statement at a time: each of ten in a pipeline wakes the interpreter to look for an
answer that cannot be there yet, and what is larger than the socket's buffer is never sent on (decision 111). Here all
are sent, then all is read. Nothing waits by itself: where it must, the generator says for what, as psycopg's own do,
and goes on when a connection's `wait` has seen to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from models.db.postgres.statements import Asked, Statements

Row = Mapping[str, Any]
"""A row, by the names of its columns."""
RawRow = tuple[bytes | None, ...]
"""A row as PostgreSQL wrote it, by the order of its columns."""
_STALE: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
"""Somebody has deallocated what was prepared, or a migration has given its tables other columns."""


class Reply(NamedTuple):
    """The rows of one statement, and how many it touched."""

    rows: Sequence[Row]
    rowcount: int


class Pipeline:
    """One connection's. Errors are psycopg's; after one, the transaction has to be rolled back."""

    def __init__(self, conn: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
        self._pgconn: PGconn = conn.pgconn
        self._values = Transformer(conn)
        self.statements = Statements(self._values)

    def exchange(self, asked: Sequence[Asked]) -> PQGen[list[PGresult]]:
        """Send them, in this order, and read what each answers. The first that fails ends it: those after it are not
        carried out, nor is anything that travels behind it, such as a commit."""
        bound = [self.statements.bound(one) for one in asked]
        self._pgconn.enter_pipeline_mode()
        sent = [self.statements.send(self._pgconn, one) for one in bound]
        sent += self.statements.make_room(self._pgconn)
        self._pgconn.pipeline_sync()
        while self._pgconn.flush():  # the server may want to be heard before it listens on
            if (yield Wait.RW) & Ready.R:
                self._pgconn.consume_input()
        results: list[PGresult] = []
        error: psycopg.Error | None = None
        for answers in sent:
            for prepared in answers:
                result = yield from self._next()
                assert result is not None
                if result.status == ExecStatus.FATAL_ERROR:
                    error = error or psycopg.errors.error_from_result(result)
                if prepared is None:
                    results.append(result)
                elif error is not None:
                    self.statements.forget(prepared)
                yield from self._next()  # the end of this answer
        yield from self._next()  # the end of all
        self._pgconn.exit_pipeline_mode()
        if error is not None:
            if isinstance(error, _STALE):
                self.statements.forget_all()
            raise error
        return results[: len(bound)]

    def reply(self, result: PGresult) -> Reply:
        """An answer in Python's values."""
        touched = result.command_tuples or 0
        if not result.nfields:
            return Reply((), touched)
        names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
        self._values.set_pgresult(result)
        return Reply(self._values.load_rows(0, result.ntuples, lambda row: dict(zip(names, row, strict=True))), touched)

    def _next(self) -> PQGen[PGresult | None]:
        while self._pgconn.is_busy():
            while not (yield Wait.R):
                continue
            self._pgconn.consume_input()
        result = self._pgconn.get_result()
        if self._pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection to the database was lost")
        return result


def first_raw(result: PGresult) -> RawRow | None:
    """The first row, as PostgreSQL wrote it."""
    return tuple(result.get_value(0, n) for n in range(result.nfields)) if result.ntuples else None
