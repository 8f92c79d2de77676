"""The engine and the one way to open a transaction.

The process connects with the owner's URL (or the application's own login) and becomes `arflow_app` at once:
a role that owns nothing and cannot bypass row-level security. The organisation is set per transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, cast

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection, create_engine
from sqlalchemy.exc import TimeoutError as PoolExhausted

from models.db import room
from models.db.postgres.connection import STATEMENT_SECONDS, Access, NoAnswer, ThreadConnection
from models.db.postgres.pipeline import RawRow, Row, first_raw
from models.db.postgres.reads import GENERIC_PLANS, SIZE, LoopReads
from models.db.postgres.statements import ACT_AS
from models.db.tx import Tx
from models.facts import Facts

APP_ROLE: Final = "arflow_app"
VERIFY_ROLE: Final = "arflow_verifier"


def driver_url(database_url: str, *, for_sqlalchemy: bool = True) -> str:
    """`postgresql://…` in the spelling the driver (psycopg 3) or SQLAlchemy wants."""
    plain = database_url.replace("postgresql+psycopg://", "postgresql://", 1).replace("postgres://", "postgresql://", 1)
    return plain.replace("postgresql://", "postgresql+psycopg://", 1) if for_sqlalchemy else plain


def make_engine(
    database_url: str, *, pool_size: int = 20, role: str | None = APP_ROLE, statement_seconds: float = STATEMENT_SECONDS
) -> Engine:
    """An engine whose connections act as `role`; times in UTC."""
    access = Access(driver_url(database_url, for_sqlalchemy=False), role, statement_seconds)
    return create_engine(
        driver_url(database_url),
        creator=lambda: ThreadConnection.open(access),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_use_lifo=True,  # few warm connections (prepared, planned) instead of many lukewarm ones
        hide_parameters=True,  # the text of an error names no values
    )


def make_reads(database_url: str, *, size: int = SIZE, statement_seconds: float = STATEMENT_SECONDS) -> LoopReads:
    """The connections on the event loop; once per process."""
    url = driver_url(database_url, for_sqlalchemy=False)
    return LoopReads(Access(url, APP_ROLE, statement_seconds, (GENERIC_PLANS,)), size=size)


def verifying_role(database_url: str) -> str:
    """As whom this login proves the books: the role that reads everything and changes nothing, where it may become it."""
    member = "SELECT 1 FROM pg_roles WHERE rolname = :role AND pg_has_role(oid, 'MEMBER')"
    with ThreadConnection.open(Access(driver_url(database_url, for_sqlalchemy=False), role=None)) as c:
        return VERIFY_ROLE if c.rows(member, role=VERIFY_ROLE) else APP_ROLE


_ONE_READ: Final = f"{ACT_AS}, set_config('plan_cache_mode', 'force_generic_plan', true)"
"""What goes before a read of one round trip. The plan of such a read does not depend on its parameters, and making it
anew would take longer than the read."""


def fetch_once(engine: Engine, org_id: str, query: str, params: Facts) -> RawRow | None:
    """The first row of one read, as PostgreSQL wrote it.

    It runs as this organisation, in one round trip: both statements are one implicit transaction, so the organisation
    ends with the read. For reads that are measured in milliseconds; everything else opens a `transaction`. A connection
    that was lost meanwhile is replaced, once: repeating the statement must change nothing.
    """
    asked = [(_ONE_READ, {"org": org_id}), (query, params)]
    for attempt in (1, 2):
        with lent(engine) as conn:
            try:
                return first_raw(conn.results(asked)[1])
            except psycopg.OperationalError:
                if attempt == 2 or not conn.closed:
                    raise
    raise AssertionError("unreachable")


def ask(engine: Engine, query: str, **params: object) -> Sequence[Row]:
    """The rows of one statement, as no organisation: for what concerns all of them."""
    with lent(engine) as conn:
        return conn.rows(query, **params)


def ping(engine: Engine) -> None:
    """Ask it anything: psycopg.OperationalError where it does not answer."""
    ask(engine, "SELECT 1")


def clock(engine: Engine) -> datetime:
    """What time it is: the database's, which everything in it is of. That of this machine may be off."""
    at: datetime = ask(engine, "SELECT clock_timestamp() AS at")[0]["at"]
    return at.astimezone(UTC)


def own_connection(engine: Engine) -> ThreadConnection:
    """A connection that the pool has given up: whoever asked closes it."""
    pooled = _pooled(engine)
    conn = cast(ThreadConnection, pooled.driver_connection)
    pooled.detach()
    return conn


@contextmanager
def transaction(
    engine: Engine, org_id: str, *, durable: bool = True, snapshot: bool = False, rehearsal: bool = False
) -> Iterator[Tx]:
    """Open, and commit at the end or roll back on any exception.

    `durable=False` gives up the wait for the disk: only for what a lost second of would harm nobody.
    `snapshot=True` shows all its statements the same state: for figures that must tie to each other.
    `rehearsal=True` checks what a commit would check, and rolls back.
    """
    with lent(engine) as conn:
        tx = Tx(conn, org_id, durable=durable, snapshot=snapshot)
        yield tx
        if rehearsal:
            tx.check_constraints()
        else:
            tx.commit()


class ConnectionLost(psycopg.OperationalError):
    """The connection ended under what was asked, as those of a restarted server do: a new one may serve at once."""


@contextmanager
def lent(engine: Engine) -> Iterator[ThreadConnection]:
    """A connection of the pool, given back without an open transaction. Where it was lost, so are its neighbours, and that is
    told by ConnectionLost."""
    pooled = _pooled(engine)
    conn = cast(ThreadConnection, pooled.driver_connection)
    try:
        yield conn
    except psycopg.OperationalError as error:
        room.note(error)
        if _is_lost(conn) and not isinstance(error, NoAnswer):
            raise ConnectionLost(str(error)) from error
        raise
    finally:
        if _is_lost(conn):
            pooled.invalidate()
            engine.dispose()
        else:
            pooled.close()


def _is_lost(conn: ThreadConnection) -> bool:
    """Whether it has ended, seen by rolling back what may be open."""
    with suppress(psycopg.Error):
        conn.rollback()
    return conn.closed


def _pooled(engine: Engine) -> PoolProxiedConnection:
    try:
        return engine.raw_connection()
    except PoolExhausted as busy:
        raise psycopg.OperationalError("every connection to the database is in use") from busy
