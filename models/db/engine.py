"""The engine and the one way to open a transaction.

The process connects with the owner's URL (or the application's own login) and becomes `arflow_app` at once:
a role that owns nothing and cannot bypass row-level security. The organisation is set per transaction.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Engine, create_engine, event

from models.db.tx import Tx
from models.db.wire import Wire

APP_ROLE = "arflow_app"
IN_UTC: Final = "SET TIME ZONE 'UTC'"
VERIFY_ROLE = "arflow_verifier"


def driver_url(database_url: str, *, for_sqlalchemy: bool = True) -> str:
    """`postgresql://…` in the spelling the driver (psycopg 3) or SQLAlchemy wants."""
    plain = database_url.replace("postgresql+psycopg://", "postgresql://", 1).replace("postgres://", "postgresql://", 1)
    return plain.replace("postgresql://", "postgresql+psycopg://", 1) if for_sqlalchemy else plain


def make_engine(database_url: str, *, pool_size: int = 20, role: str | None = APP_ROLE) -> Engine:
    """An engine whose connections act as `role`; JSON numbers come back exact, times in UTC."""
    engine = create_engine(
        driver_url(database_url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_use_lifo=True,  # few warm connections (prepared, planned) instead of many lukewarm ones
        hide_parameters=True,  # the text of an error names no values
        # Preparing is the wire's (wire.py): psycopg would, now and then, deallocate what it knows nothing of.
        connect_args={"prepare_threshold": None},
        json_deserializer=json.loads,
    )

    @event.listens_for(engine, "connect")
    def become(dbapi_connection: Any, _record: Any) -> None:
        # By statements, not by the startup's options, which poolers of sessions do not pass on.
        auto = dbapi_connection.autocommit
        dbapi_connection.autocommit = True
        dbapi_connection.execute(IN_UTC if role is None else f"{IN_UTC}; SET ROLE {role}")
        dbapi_connection.autocommit = auto

    return engine


def verifying_role(database_url: str) -> str:
    """As whom this login proves the books: the role that reads everything and changes nothing, where it may become it."""
    member = "SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s"
    with psycopg.connect(driver_url(database_url, for_sqlalchemy=False)) as c:
        found = c.execute(member, (VERIFY_ROLE,)).fetchone()
    return VERIFY_ROLE if found and found[0] else APP_ROLE


ACT_AS: Final = (
    "SELECT set_config('arflow.org_id', :org, true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)
"""What goes before a read of one round trip. The plan of such a read does not depend on its parameters, and making it
anew would take longer than the read."""


def fetch_once(engine: Engine, org_id: str, query: str, params: Mapping[str, Any]) -> tuple[bytes | None, ...] | None:
    """The first row of one read, as PostgreSQL wrote it.

    It runs as this organisation, in one round trip: both statements are one implicit transaction, so the organisation
    ends with the read. For reads that are measured in milliseconds; everything else opens a `transaction`.
    """
    for attempt in (1, 2):
        pooled = engine.raw_connection()
        try:
            conn = cast("psycopg.Connection[Any]", pooled.driver_connection)
            _, row = Wire.of(conn).results([(ACT_AS, {"org": org_id}), (query, params)])
            return tuple(row.get_value(0, n) for n in range(row.nfields)) if row.ntuples else None
        except psycopg.OperationalError as lost:
            pooled.invalidate(lost)
            if attempt == 2:
                raise
        finally:
            pooled.close()
    raise AssertionError("unreachable")


@contextmanager
def transaction(
    engine: Engine, org_id: str, *, durable: bool = True, snapshot: bool = False, rehearsal: bool = False
) -> Iterator[Tx]:
    """Open, and commit at the end or roll back on any exception.

    `durable=False` gives up the wait for the disk: only for what a lost second of would harm nobody.
    `snapshot=True` shows all its statements the same state: for figures that must tie to each other.
    `rehearsal=True` checks what a commit would check, and rolls back.
    """
    with _lent(engine) as conn:
        tx = Tx(conn, org_id, durable=durable, snapshot=snapshot)
        yield tx
        if rehearsal:
            tx.run("SET CONSTRAINTS ALL IMMEDIATE")
        else:
            tx.commit()


@contextmanager
def _lent(engine: Engine) -> "Iterator[psycopg.Connection[Any]]":
    """A connection of the pool, given back without an open transaction. Where it was lost, so are its neighbours."""
    pooled = engine.raw_connection()
    conn = cast("psycopg.Connection[Any]", pooled.driver_connection)
    try:
        yield conn
    finally:
        with suppress(psycopg.Error):
            conn.rollback()
        if conn.closed:
            pooled.invalidate()
            engine.dispose()
        else:
            pooled.close()
