"""The two faces of a connection: for threads and for the event loop. Every wait has a deadline.

The server ends a statement that takes too long (`statement_timeout`), which fails by itself and harms nothing else. Where
the server itself cannot be heard, the wait ends a little later, and the connection with it: nobody knows what is still
on its way. Both are psycopg's OperationalError, as an outage is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, sql
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from models.db.postgres import watched
from models.db.postgres.pipeline import STALE, Pipeline, Reply, Row
from models.db.postgres.statements import Asked

CONNECT_SECONDS: Final = 5
STATEMENT_SECONDS: Final = 120
GRACE_SECONDS: Final = 10
"""So much longer than a statement may take is waited for the word that it was ended."""
_LOOK_SECONDS: Final = 0.1
REACHED_SOON: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""For whoever connects: a server that does not answer is given up, and a machine that is gone is noticed within a minute,
however long a statement may take."""
RV = TypeVar("RV")


@dataclass(frozen=True, slots=True)
class Access:
    """How to connect: where to, as which role, how long a statement may take, and what else is set."""

    url: str
    role: str | None
    statement_seconds: float = STATEMENT_SECONDS
    settings: tuple[str, ...] = ()

    @property
    def patience(self) -> float:
        """Seconds after which a silent server is given up."""
        return self.statement_seconds + GRACE_SECONDS

    @property
    def arguments(self) -> dict[str, Any]:
        """What psycopg is given."""
        return {
            "conninfo": self.url,
            "autocommit": True,
            **REACHED_SOON,
            "prepare_threshold": None,  # `Statements` prepares; psycopg's cursors would deallocate what it has
        }

    @property
    def begin(self) -> sql.Composed:
        """What a connection begins with: by statements, not by the startup's options, which poolers do not pass on."""
        limit = f"SET statement_timeout = {int(self.statement_seconds * 1000)}"
        said: list[sql.Composable] = [sql.SQL(one) for one in ("SET TIME ZONE 'UTC'", limit, *self.settings)]
        if self.role is not None:
            said.append(sql.SQL("SET ROLE {}").format(sql.Identifier(self.role)))
        return sql.SQL("; ").join(said)


class ThreadConnection(Connection[TupleRow]):
    """A connection for whoever may wait on a thread."""

    patience: float = CONNECT_SECONDS
    talk: Pipeline

    @classmethod
    def open(cls, access: Access) -> Self:
        """Connect, and set what a connection begins with."""
        conn = cls.connect(**access.arguments)
        conn.patience = access.patience
        conn.execute(access.begin)
        conn.autocommit = False  # as SQLAlchemy takes for granted of what its pool holds
        conn.talk = Pipeline(conn)
        return conn

    def results(self, asked: Sequence[Asked]) -> list[PGresult]:
        """What each statement answers, as PostgreSQL wrote it; see `Pipeline.exchange`. What was prepared before a migration
        is prepared anew, where nothing came before it in its transaction."""
        first = self.info.transaction_status == TransactionStatus.IDLE
        try:
            return self._results(asked)
        except STALE:
            if not first:
                raise
        self.rollback()
        return self._results(asked)

    def _results(self, asked: Sequence[Asked]) -> list[PGresult]:
        try:
            if watched.watch is None:
                return self.wait(self.talk.exchange(asked))
            with watched.watch([text for text, _ in asked]):
                return self.wait(self.talk.exchange(asked))
        except BaseException:
            if self.pgconn.pipeline_status:
                self.close()  # nobody knows what is still on its way
            raise

    def exchange(self, asked: Sequence[Asked]) -> list[Reply]:
        """What each statement answers; see `Pipeline.exchange`."""
        return [self.talk.reply(result) for result in self.results(asked)]

    def rows(self, query: str, **params: object) -> Sequence[Row]:
        """The rows of one statement; outside a transaction it is one by itself."""
        return self.exchange([(query, params)])[0]

    def wait(self, gen: PQGen[RV], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> RV:
        """As psycopg's, whose cursors wait by it, too; never longer than the connection's patience. Whoever gives a shorter
        time has the connection still."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as late:
            if timeout is not None:
                raise
            self.close()
            _give_up(late)


class LoopConnection(AsyncConnection[TupleRow]):
    """A connection for whoever waits on the event loop."""

    patience: float = CONNECT_SECONDS
    talk: Pipeline

    @classmethod
    async def open(cls, access: Access) -> Self:
        """Connect, and set what a connection begins with."""
        conn = await cls.connect(**access.arguments)
        conn.patience = access.patience
        await conn.execute(access.begin)
        conn.talk = Pipeline(conn)
        return conn

    async def results(self, asked: Sequence[Asked]) -> list[PGresult]:
        """As a thread's. Each exchange is a transaction by itself."""
        try:
            return await self._results(asked)
        except STALE:
            return await self._results(asked)

    async def _results(self, asked: Sequence[Asked]) -> list[PGresult]:
        try:
            if watched.watch is None:
                return await self.wait(self.talk.exchange(asked))
            with watched.watch([text for text, _ in asked]):
                return await self.wait(self.talk.exchange(asked))
        except BaseException:
            if self.pgconn.pipeline_status:
                await self.close()  # nobody knows what is still on its way
            raise

    async def wait(self, gen: PQGen[RV], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> RV:
        """As a thread's."""
        try:
            return await super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as late:
            if timeout is not None:
                raise
            await self.close()
            _give_up(late)


class NoAnswer(psycopg.OperationalError):
    """The database was given its time: whoever asked again would wait twice."""


def _give_up(late: Exception) -> NoReturn:
    raise NoAnswer("the database did not answer in time") from late
