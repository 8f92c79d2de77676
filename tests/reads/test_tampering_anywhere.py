"""Every row of the ledger and of the audit trail, every column: whatever the owner changes or deletes is named.

Half of the rows stand under a seal, half were written since: no row waits for the night to be held.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from models import verification
from models.db.engine import transaction
from operations.seals import seal
from tests.books import Books
from tests.reads.test_verify import Worked, work
from tests.stack_fixtures.shared import SharedServers

# The columns that say which record a row is of; a breach names one of them.
TABLES = {
    "journal_entries": ("id",),
    "journal_lines": ("entry_id",),
    "audit_events": ("subject_id",),
    "audit_heads": ("subject_id",),
    "audit_seals": ("sealed_at",),
    "audit_seal_heads": ("subject_id", "sealed_at"),
}
COLUMNS = """SELECT column_name, data_type FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = %(t)s ORDER BY ordinal_position"""
# What the books would not take themselves: a tamperer takes their rules away first.
LAWLESS = """DO $$ DECLARE c text; BEGIN
  FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype NOT IN ('n', 't') LOOP
    EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT IF EXISTS %I CASCADE', c); END LOOP;
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped LOOP
    EXECUTE format('ALTER TABLE {table} ALTER COLUMN %I DROP NOT NULL', c); END LOOP; END $$"""


@pytest.fixture(scope="module")
def worked(shared_servers: SharedServers) -> Iterator[Worked]:
    """Books in which everything happened once, of which each test undoes what it does; in a database of their own."""
    name = f"arflow_tampered_{os.urandom(6).hex()}"
    books = Books(shared_servers.create_database(name))
    done = work(books)
    with transaction(books.engine, books.org, snapshot=True) as tx:
        seal(tx)
    customer = done.names["customer"]
    books.apply(books.pay(customer, 50, "2026-01-22"), (books.invoice(customer, 80, "2026-01-21", tax_minor=5), 50))
    assert done.breaches() == {}
    yield done
    books.close()
    shared_servers.drop_database(name)


def rows(worked: Worked, table: str, where: str = "true") -> list[dict[str, Any]]:
    """Where each row of the organisation is, and the records that it is of."""
    names = ", ".join(TABLES[table])
    return worked.books.sql(
        f"SELECT ctid::text AS at, {names} FROM {table} WHERE org_id = :org AND {where} ORDER BY ctid"
    )


def is_named(row: dict[str, Any], breaches: dict[str, list[str]]) -> bool:
    """Whether a breach tells which record it was."""
    names = [v.isoformat() if hasattr(v, "isoformat") else str(v) for k, v in row.items() if k != "at"]
    return any(name in text for texts in breaches.values() for text in texts for name in names)


def another(column: str, kind: str) -> str:
    """A value that the row does not have."""
    if kind == "bytea":
        return f"sha256(coalesce({column}, 'x'))"
    if kind == "timestamp with time zone":
        return f"{column} + interval '1 microsecond'"
    if kind == "character":
        return "'XXX'"
    return f"{column} + 1000" if kind in ("bigint", "integer", "date") else f"coalesce({column}, '') || 'x'"


def extremes(kind: str) -> list[str]:
    """What is a value to the database and hardly one to anybody else."""
    if kind in ("timestamp with time zone", "date"):
        return ["NULL", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'20000-01-01'"]
    return {"text": ["NULL", "''"], "bytea": ["NULL", "''"], "character": ["NULL", "''"]}.get(kind, ["NULL"])


Rows = list[dict[str, Any]]


def unnoticed(worked: Worked, table: str, changes: list[tuple[Rows, str]]) -> list[Any]:
    """The rows whose record nobody names after the change (of which rows, and how; or their loss)."""
    named = worked.breaches_after_each(
        (
            (f"UPDATE {table} SET {change}" if change else f"DELETE FROM {table}")
            + f" WHERE ctid = ANY(ARRAY{[row['at'] for row in changed]}::tid[])"
            for changed, change in changes
        ),
        first=LAWLESS.format(table=table),
    )
    found = [
        (row, change, breaches)
        for (changed, change), breaches in zip(changes, named, strict=True)
        for row in changed
        if not is_named(row, breaches)
    ]
    assert changes
    return found


def rounds(worked: Worked, table: str) -> list[Rows]:
    """Every row once: together with rows of other records where only that record's own rows can give its name away."""
    found = rows(worked, table)
    if table.startswith("audit_seal"):
        return [[row] for row in found]
    nth: dict[int, Rows] = defaultdict(list)
    seen: Counter[str] = Counter()
    for row in found:
        (record,) = (row[name] for name in TABLES[table])
        nth[seen[record]].append(row)
        seen[record] += 1
    return list(nth.values())


@pytest.fixture(autouse=True)
def _every_breach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "NAMED", 10_000)


@pytest.mark.parametrize("table", TABLES)
def test_a_change_of_any_column_of_any_row_is_named(worked: Worked, table: str) -> None:
    columns = worked.books.sql(COLUMNS, t=table)
    assert len(columns) >= 4
    values = [f"{c['column_name']} = {another(c['column_name'], c['data_type'])}" for c in columns]
    assert unnoticed(worked, table, [(some, value) for some in rounds(worked, table) for value in values]) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_value_that_is_hardly_one_is_named(worked: Worked, table: str) -> None:
    """Nothing, the empty text, the end of time: neither overlooked nor stumbled over."""
    changes: list[tuple[Rows, str]] = []
    for c in worked.books.sql(COLUMNS, t=table):
        column = c["column_name"]
        for value in extremes(c["data_type"]):
            others = rows(worked, table, f"{column} IS DISTINCT FROM {value}")
            changes += [([row], f"{column} = {value}") for row in others[:1] + others[1:][-1:]]
    assert unnoticed(worked, table, changes) == []


@pytest.mark.parametrize("table", TABLES)
def test_the_loss_of_any_row_is_named(worked: Worked, table: str) -> None:
    assert unnoticed(worked, table, [([row], "") for row in rows(worked, table)]) == []


def test_a_content_that_moved_into_its_salt_is_named(worked: Worked) -> None:
    """The digest is of both together: the first byte of the one, as the last of the other, leaves it as it was."""
    moved = "salt = salt || convert_to(left(payload, 1), 'UTF8'), payload = substr(payload, 2)"
    assert unnoticed(worked, "audit_events", [(some, moved) for some in rounds(worked, "audit_events")]) == []


def test_a_content_taken_away_without_an_erasure_is_named(worked: Worked) -> None:
    """As the erasure of a customer leaves it, but nobody erased a customer."""
    gone = "payload = NULL, salt = NULL"
    assert unnoticed(worked, "audit_events", [(some, gone) for some in rounds(worked, "audit_events")]) == []
