"""Any number of statements to PostgreSQL and back, in one round trip.

psycopg's cursors are made for one statement at a time: each of ten in a pipeline wakes the interpreter to look for an
answer that cannot be there yet, and what is larger than the socket's buffer is never sent on (decision 0064). Here all
are sent, then all is read. Nothing waits by itself: where it must, the generator says for what, as psycopg's own do,
and goes on when a connection's `wait` has seen to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.json import set_json_loads
from psycopg.waiting import Ready, Wait

from models.db.postgres.json_values import from_json
from models.db.postgres.statements import Asked, Preparation, Statements

set_json_loads(from_json)

Row = Mapping[str, Any]
"""A row, by the names of its columns."""
RawRow = tuple[bytes | None, ...]
"""A row as PostgreSQL wrote it, by the order of its columns."""
STALE: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
"""Somebody has deallocated what was prepared, or a migration has given its tables other columns."""


class Reply(list[Row]):
    """The rows of one statement, and how many it touched."""

    def __init__(self, rows: Iterable[Row], touched: int) -> None:
        super().__init__(rows)
        self.touched = touched

    @property
    def first(self) -> Row | None:
        """The first row or None."""
        return self[0] if self else None


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
        answers = yield from self._answers()
        self._pgconn.exit_pipeline_mode()
        return self._own(answers, [prepared for one in sent for prepared in one])[: len(bound)]

    def _answers(self) -> PQGen[list[PGresult]]:
        """Everything up to the end, errors too."""
        found: list[PGresult] = []
        ends = 0
        while ends < 2:  # once after each answer; for ever where nothing more will come
            while self._pgconn.is_busy():
                while not (yield Wait.R):
                    continue
                self._pgconn.consume_input()
            result = self._pgconn.get_result()
            if result is None:
                ends += 1
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                ends = 0
                found.append(result)
        raise psycopg.OperationalError("the connection to the database was lost")

    def _own(self, answers: Sequence[PGresult], asked: Sequence[Preparation | None]) -> list[PGresult]:
        """The statements' own answers, without those of preparing them; or the first error."""
        error: psycopg.Error | None = None
        own: list[PGresult] = []
        for result, prepared in zip(answers, asked, strict=True):
            if error is None and result.status == ExecStatus.FATAL_ERROR:
                error = psycopg.errors.error_from_result(result)
            if prepared is None:
                own.append(result)
            elif error is not None:
                self.statements.forget(prepared)
        if error is None:
            return own
        if isinstance(error, STALE):
            self.statements.forget_all()
        raise error

    def reply(self, result: PGresult) -> Reply:
        """An answer in Python's values."""
        touched = result.command_tuples or 0
        if not result.nfields:
            return Reply((), touched)
        names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
        self._values.set_pgresult(result)
        return Reply(self._values.load_rows(0, result.ntuples, lambda row: dict(zip(names, row, strict=True))), touched)


def first_raw(result: PGresult) -> RawRow | None:
    """The first row, as PostgreSQL wrote it."""
    return tuple([result.get_value(0, n) for n in range(result.nfields)]) if result.ntuples else None
