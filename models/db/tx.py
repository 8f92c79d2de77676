"""One open transaction: how every statement of a write, and of most reads, reaches PostgreSQL."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar, cast

import orjson
import psycopg
from psycopg.pq import TransactionStatus
from pydantic import BaseModel

from models.answers import read_row
from models.audit.entries import AuditEntry
from models.db.postgres.connection import ThreadConnection
from models.db.postgres.pipeline import Reply
from models.db.postgres.pipeline import Row as Row
from models.db.postgres.statements import ACT_AS
from models.facts import Facts, Record

R = TypeVar("R")
S = TypeVar("S", bound=Record)


def to_json(value: Any) -> str:
    """JSON, for PostgreSQL and for callers: records and bodies as objects, dates ISO, Decimals and bytes as the text that their
    column reads."""
    try:
        return orjson.dumps(value, _json_default, _AS_HERE).decode()
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits, in what callers say of their own
        return json.dumps(value, default=_json_default, separators=(",", ":"), ensure_ascii=False)


def as_columns(row: Record | Facts) -> Facts:
    """A record's fields by name; a mapping as it is."""
    if isinstance(row, Mapping):
        return row
    return dict(zip(row.__dataclass_fields__, _written(row.__class__)[1](row), strict=True))


@cache
def _written(record: Any) -> tuple[Sequence[str], Callable[[Any], tuple[Any, ...]]]:
    """What the fields of a record are called outside (`from_`, since Python keeps `from` for itself, is `from`), and how
    all of them are read at once."""
    names = list(record.__dataclass_fields__)
    read = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    return [name.removesuffix("_") for name in names], read


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        names, read = _written(value.__class__)
        return dict(zip(names, read(value), strict=True))
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, Sequence | Set):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


_AS_HERE: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS
"""Records go through `_json_default`, which knows what their fields are called outside."""
_FINISH = """done AS (UPDATE commands SET state = 'done', http_status = :done_status, response = CAST(:done_response AS json),
  replayed = :done_replayed, finished_at = :done_at WHERE org_id = :org AND id = :done_id)"""


class _Statement(NamedTuple):
    """A statement on its way. `then` is handed its first row (or None) before anything else is done."""

    sql: str
    params: Mapping[str, Any]
    then: Callable[[Row | None], object] | None = None


class Tx:
    """One open transaction of one organisation.

    What need not be answered waits and travels with the next statement that must, or with the commit: the opening of
    the transaction itself, rows to insert, `later`. An error of theirs is raised there; it ends the transaction anyway.
    """

    def __init__(self, conn: ThreadConnection, org_id: str, *, durable: bool = True, snapshot: bool = False) -> None:
        self.org_id = org_id
        self._conn = conn
        self._now: datetime | None = None
        begin = _Statement("BEGIN ISOLATION LEVEL REPEATABLE READ" if snapshot else "BEGIN", {})
        self._opening = [begin, _Statement(_OPEN if durable else _OPEN_FAST, {"org": org_id}, self._opened)]
        self._waiting = list(self._opening)

    @property
    def now(self) -> datetime:
        """The time of the transaction (UTC), the same for everything it writes."""
        if self._now is None:
            self.connection()
        assert self._now is not None
        return self._now

    def all(self, sql: str, **params: Any) -> Sequence[Row]:
        """Every row; `:org` is the organisation."""
        return self.batch((sql, params))[0]

    def one(self, sql: str, **params: Any) -> Row | None:
        """The first row or None."""
        return self.batch((sql, params))[0].first

    def records(self, kind: type[R], sql: str, /, **params: Any) -> list[R]:
        """Every row as a record: see `read_row`."""
        return [read_row(kind, row) for row in self.batch((sql, params))[0]]

    def record(self, kind: type[R], sql: str, /, **params: Any) -> R | None:
        """The first row as a record, or None."""
        row = self.batch((sql, params))[0].first
        return None if row is None else read_row(kind, row)

    def scalar(self, sql: str, **params: Any) -> Any:
        """The first value of the first row or None."""
        row = self.batch((sql, params))[0].first
        return None if row is None else next(iter(row.values()))

    def column(self, sql: str, /, **params: Any) -> list[Any]:
        """The first value of every row."""
        return [next(iter(row.values())) for row in self.all(sql, **params)]

    def pairs(self, sql: str, /, **params: Any) -> dict[Any, Any]:
        """The second value of every row, by the first."""
        return dict(cast(tuple[Any, Any], row.values()) for row in self.all(sql, **params))

    def run(self, sql: str, **params: Any) -> int:
        """Execute and answer the number of rows touched."""
        return self.batch((sql, params))[0].touched

    def later(self, sql: str, **params: Any) -> None:
        """Execute, at the latest with the commit."""
        self._waiting.append(self._statement(sql, params))

    def check_first(self, then: Callable[[Row | None], object], sql: str, **params: Any) -> None:
        """Hand the first row (or None) to `then`, which may raise, with the next statement and before any commit."""
        self._waiting.append(self._statement(sql, params)._replace(then=then))

    def batch(self, *asked: tuple[str, Mapping[str, Any]]) -> list[Reply]:
        """What several statements answer, in one round trip, which takes along what waited."""
        waited, self._waiting = self._waiting, []
        together = [*waited, *(self._statement(sql, params) for sql, params in asked)]
        if not together:
            return []
        replies = self._conn.exchange([(statement.sql, statement.params) for statement in together])
        for statement, reply in zip(together, replies, strict=True):
            if statement.then is not None:
                statement.then(reply.first)
        return replies[len(waited) :]

    def insert(
        self, table: str, records: Sequence[Record | Facts], *, returning: str | None = None, suffix: str = ""
    ) -> Sequence[Row]:
        """Insert records, or mappings with the same keys each, in one statement, whatever their number; org_id is added.

        The rows travel as one JSON array, which costs the same for one row or for a thousand.
        """
        if not records:
            return []
        rows = [as_columns(record) for record in records]
        columns = ", ".join(rows[0])
        tail = f" {suffix}" + (f" RETURNING {returning}" if returning else "")
        sql = (
            f"INSERT INTO {table} (org_id, {columns}) SELECT :org, {columns} "
            f"FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json)){tail}"
        )
        if returning:
            return self.all(sql, rows=to_json(rows))
        self.later(sql, rows=to_json(rows))
        return []

    def save(self, table: str, before: S, after: S) -> S:
        """Write what differs of a record of the table, which has an `id`, at the latest with the commit."""
        old, new = as_columns(before), as_columns(after)
        changed = {name: value for name, value in new.items() if value != old[name]}
        if changed:
            columns = ", ".join(changed)
            self.later(
                f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM json_populate_record(NULL::{table}, "
                "CAST(:row AS json))) WHERE org_id = :org AND id = :id",
                row=to_json(changed),
                id=old["id"],
            )
        return after

    def write(
        self,
        rows: Mapping[str, Sequence[Record | Facts]],
        audits: Sequence[AuditEntry],
        finish: Facts | None,
    ) -> None:
        """Insert the rows of several tables, append audit events and complete a command, all in one statement.

        PostgreSQL checks foreign keys and fires statement triggers at the statement's end, so the order of the parts
        does not matter. Exceptions that are open already stay as they are.
        """
        parts: list[str] = []
        params: dict[str, Any] = {}
        for n, (table, records) in enumerate(rows.items()):
            items = [as_columns(record) for record in records]
            columns = ", ".join(items[0])
            params[f"rows{n}"] = to_json(items)
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
            self.later((f"WITH {', '.join(parts)} " if parts else "") + last, **params)

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """What an exception inside has begun is taken back, and no more; the exception goes on."""
        begun = _Statement(f"SAVEPOINT {name}", {})
        self._waiting.append(begun)
        try:
            yield
            self.run(f"RELEASE SAVEPOINT {name}")
        except BaseException:
            unsent = next((n for n, statement in enumerate(self._waiting) if statement is begun), None)
            del self._waiting[unsent or 0 :]
            if unsent is None:
                self.run(f"ROLLBACK TO SAVEPOINT {name}")
            raise

    def check_constraints(self) -> None:
        """Check now what a commit would check."""
        self.run("SET CONSTRAINTS ALL IMMEDIATE")

    def connection(self) -> ThreadConnection:
        """The driver's connection, once everything that waited has been sent: for COPY and cursors of the server."""
        self.batch()
        return self._conn

    def commit(self) -> None:
        """Make it permanent. Where nothing was asked, nothing was begun."""
        if self._waiting == self._opening:
            return
        if any(statement.then for statement in self._waiting if statement not in self._opening):
            self.batch()  # what must hold is looked at first
        if self._conn.info.transaction_status == TransactionStatus.INERROR:
            raise psycopg.errors.InFailedSqlTransaction("a statement of this transaction failed")
        self.batch(("COMMIT", {}))

    def _opened(self, row: Row | None) -> None:
        assert row is not None
        self._now = row["now"].astimezone(UTC)

    def _statement(self, sql: str, params: Mapping[str, Any]) -> _Statement:
        return _Statement(sql, {**params, "org": self.org_id} if ":org" in sql else params)


_OPEN: Final = f"{ACT_AS}, clock_timestamp() AS now"
_OPEN_FAST: Final = f"{_OPEN}, set_config('synchronous_commit', 'off', true)"
