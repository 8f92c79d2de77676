"""Every row of the ledger and of the audit trail, every column: whatever the owner changes or deletes is named."""

import os
from collections.abc import Iterator

import pytest

from tests.books import Books
from tests.reads.test_verify import Worked, work
from tests.stack_fixtures.shared import SharedServers

TABLES = ("journal_entries", "journal_lines", "audit_events", "audit_heads", "audit_seals", "audit_seal_heads")
# Handles that say nothing: the order of posting, the transaction that may still add lines, the place in a list.
HANDLES = {("journal_entries", "number"), ("journal_entries", "txid"), ("audit_events", "id")}
COLUMNS = """SELECT column_name, data_type FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = %(t)s ORDER BY ordinal_position"""


@pytest.fixture(scope="module")
def worked(shared_servers: SharedServers) -> Iterator[Worked]:
    """Books in which everything happened once, of which each test undoes what it does; in a database of their own."""
    name = f"arflow_tampered_{os.urandom(6).hex()}"
    books = Books(shared_servers.create_database(name))
    yield work(books)
    books.close()
    shared_servers.drop_database(name)


def rows(worked: Worked, table: str) -> list[str]:
    """Where each row of the organisation is."""
    return [str(r["at"]) for r in worked.books.sql(f"SELECT ctid::text AS at FROM {table} WHERE org_id = :org")]


def another(column: str, kind: str) -> str:
    """A value that the row does not have."""
    if kind == "bytea":
        return f"sha256({column})"
    if kind == "timestamp with time zone":
        return f"{column} + interval '1 microsecond'"
    if kind == "character":
        return "'XXX'"
    return f"{column} + 1000" if kind in ("bigint", "integer", "date") else f"coalesce({column}, '') || 'x'"


@pytest.mark.parametrize("table", TABLES)
def test_a_change_of_any_column_is_named(worked: Worked, table: str) -> None:
    columns = [(c["column_name"], c["data_type"]) for c in worked.books.sql(COLUMNS, t=table)]
    assert len(columns) >= 4
    places, unnoticed = rows(worked, table), []
    for n, (column, kind) in enumerate(columns):
        if (table, column) in HANDLES:
            continue
        # The books' own rules would refuse some of these values; a tamperer takes the rules away first.
        free = (
            "DO $$ DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = "
        )
        free += (
            f"'{table}'::regclass LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', c); END LOOP; END $$"
        )
        change = f"UPDATE {table} SET {column} = {another(column, kind)} WHERE ctid = '{places[n % len(places)]}'"
        if not worked.breaches_after(change, first=free):
            unnoticed.append(column)
    assert unnoticed == []


@pytest.mark.parametrize("table", TABLES)
def test_the_loss_of_any_row_is_named(worked: Worked, table: str) -> None:
    places = rows(worked, table)
    assert places
    assert [at for at in places if not worked.breaches_after(f"DELETE FROM {table} WHERE ctid = '{at}'")] == []
