"""The engine and the one way to open a transaction.

The process connects with the owner's URL (or the application's own login) and becomes `arflow_app` at once:
a role that owns nothing and cannot bypass row-level security. The organisation is set per transaction.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, RowMapping, TextClause, create_engine, event, text

APP_ROLE = "arflow_app"


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
        connect_args={"options": "-c timezone=UTC", "prepare_threshold": 2},
        json_deserializer=json.loads,
    )

    @event.listens_for(engine, "connect")
    def become(dbapi_connection: Any, _record: Any) -> None:
        if role is not None:
            auto = dbapi_connection.autocommit
            dbapi_connection.autocommit = True
            dbapi_connection.execute(f"SET ROLE {role}")
            dbapi_connection.autocommit = auto

    return engine


@lru_cache(maxsize=2048)
def statement(sql: str) -> TextClause:
    return text(sql)


_FINISH = """done AS (UPDATE commands SET state = 'done', http_status = :done_status, response = CAST(:done_response AS json),
  replayed = :done_replayed, finished_at = :done_at WHERE org_id = :org AND id = :done_id)"""


class Tx:
    """One open transaction of one organisation. `now` is its time (UTC), the same for everything it writes."""

    def __init__(self, conn: Connection, org_id: str, now: datetime) -> None:
        self.conn = conn
        self.org_id = org_id
        self.now = now

    def all(self, sql: str, **params: Any) -> Sequence[RowMapping]:
        """Every row; `:org` is the organisation."""
        return self.conn.execute(statement(sql), self._with_org(sql, params)).mappings().all()

    def one(self, sql: str, **params: Any) -> RowMapping | None:
        """The first row or None."""
        return self.conn.execute(statement(sql), self._with_org(sql, params)).mappings().first()

    def scalar(self, sql: str, **params: Any) -> Any:
        return self.conn.execute(statement(sql), self._with_org(sql, params)).scalar()

    def run(self, sql: str, **params: Any) -> int:
        """Execute and answer the number of rows touched."""
        return self.conn.execute(statement(sql), self._with_org(sql, params)).rowcount

    def insert(
        self, table: str, rows: Sequence[Mapping[str, Any]], *, returning: str | None = None, suffix: str = ""
    ) -> Sequence[RowMapping]:
        """Insert rows in one statement, whatever their number; every row has the same keys, org_id is added.

        The rows travel as one JSON array, which costs a round trip for one row or for a thousand.
        """
        if not rows:
            return []
        columns = ", ".join(rows[0])
        tail = f" {suffix}" + (f" RETURNING {returning}" if returning else "")
        sql = (
            f"INSERT INTO {table} (org_id, {columns}) SELECT :org, {columns} "
            f"FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json)){tail}"
        )
        result = self.conn.execute(statement(sql), {"org": self.org_id, "rows": to_json(list(rows))})
        return result.mappings().all() if returning else []

    def write(
        self,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        audits: Sequence[Mapping[str, Any]],
        finish: Mapping[str, Any] | None,
    ) -> None:
        """Insert the rows of several tables, append audit events and complete a command, all in one statement.

        PostgreSQL checks foreign keys and fires statement triggers at the statement's end, so the order of the parts
        does not matter. Exceptions that are open already stay as they are.
        """
        parts: list[str] = []
        params: dict[str, Any] = {"org": self.org_id}
        for n, (table, items) in enumerate(rows.items()):
            columns = ", ".join(items[0])
            params[f"rows{n}"] = to_json(list(items))
            tail = " ON CONFLICT DO NOTHING" if table == "exceptions" else ""
            parts.append(
                f"w{n} AS (INSERT INTO {table} (org_id, {columns}) SELECT :org, {columns} "
                f"FROM json_populate_recordset(NULL::{table}, CAST(:rows{n} AS json)){tail})"
            )
        if finish is not None:
            parts.append(_FINISH)
            params |= finish
        last = "SELECT 1"
        if audits:
            last = "SELECT audit_append(:org, :now, CAST(:audits AS json))"
            params |= {"now": self.now, "audits": to_json(list(audits))}
        if parts or audits:
            sql = (f"WITH {', '.join(parts)} " if parts else "") + last
            self.conn.execute(statement(sql), params)

    def _with_org(self, sql: str, params: dict[str, Any]) -> dict[str, Any]:
        return {**params, "org": self.org_id} if ":org" in sql else params


ACT_AS: Final = (
    "SELECT set_config('arflow.org_id', %s, true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)
"""What goes before a read of one round trip. The plan of such a read does not depend on its parameters, and making it
anew would take longer than the read."""


def fetch_once(engine: Engine, org_id: str, query: str, params: Mapping[str, Any]) -> tuple[bytes | None, ...] | None:
    """The first row of one read, as PostgreSQL wrote it; `query` in the driver's own `%(name)s` style.

    It runs as this organisation, in one round trip: both statements are one implicit transaction, so the organisation
    ends with the read. For reads that are measured in milliseconds; everything else opens a `transaction`.
    """
    for attempt in (1, 2):
        pooled = engine.raw_connection()
        try:
            return _pipelined(pooled.driver_connection, org_id, query, params)
        except psycopg.OperationalError as lost:
            pooled.invalidate(lost)
            if attempt == 2:
                raise
        finally:
            pooled.close()
    raise AssertionError("unreachable")


def _pipelined(conn: Any, org_id: str, query: str, params: Mapping[str, Any]) -> tuple[bytes | None, ...] | None:
    conn.autocommit = True
    try:
        with conn.pipeline():
            conn.execute(ACT_AS, (org_id,))
            cursor = conn.execute(query, params)
        result = cursor.pgresult
        return tuple(result.get_value(0, n) for n in range(result.nfields)) if result.ntuples else None
    finally:
        if not conn.closed:
            conn.autocommit = False


def to_json(value: Any) -> str:
    """JSON for PostgreSQL: dates ISO, Decimals and bytes as the text their column reads."""
    return json.dumps(value, default=_json_default, separators=(",", ":"), ensure_ascii=False)


def _json_default(value: Any) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@contextmanager
def transaction(engine: Engine, org_id: str, *, durable: bool = True, snapshot: bool = False) -> Iterator[Tx]:
    """Open, and commit at the end or roll back on any exception.

    `durable=False` gives up the wait for the disk: only for what a lost second of would harm nobody.
    `snapshot=True` shows all its statements the same state: for figures that must tie to each other.
    """
    with engine.connect() as conn:
        if snapshot:
            conn.execution_options(isolation_level="REPEATABLE READ")  # until the connection is returned
        with conn.begin():
            yield _opened(conn, org_id, durable)


def _opened(conn: Connection, org_id: str, durable: bool) -> Tx:
    settings = "SELECT set_config('arflow.org_id', :org, true), clock_timestamp()"
    if not durable:
        settings += ", set_config('synchronous_commit', 'off', true)"
    row = conn.execute(statement(settings), {"org": org_id}).one()
    return Tx(conn, org_id, row[1].astimezone(UTC))
