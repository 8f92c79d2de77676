"""The declared tables are the migrated database's, to the letter."""

import warnings
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, text

from models.db.engine import driver_url
from models.db.tables import metadata

# What a table is made of, without the schema it stands in. Checks stand in the migrations only.
_COLUMNS = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    pg_get_expr(d.adbin, d.adrelid), nullif(a.attcollation, t.typcollation)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"""
_CONSTRAINTS = """SELECT c.relname, k.conname, k.contype, replace(pg_get_constraintdef(k.oid), :schema || '.', '')
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  WHERE k.connamespace = CAST(:schema AS regnamespace) AND k.contype IN ('p', 'u', 'f')"""
_INDEXES = """SELECT c.relname, replace(pg_get_indexdef(i.indexrelid), :schema || '.', '')
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = CAST(:schema AS regnamespace)"""


@pytest.fixture
def connection(fresh_database_url: str) -> Iterator[Connection]:
    """Of the owner, to a freshly migrated database."""
    engine = create_engine(driver_url(fresh_database_url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_alembic_finds_nothing_to_do(connection: Connection) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says of each generated column that it compares no more than the text
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_tables_made_from_the_declarations_are_the_migrated_ones(connection: Connection) -> None:
    """More than Alembic sees: the order of keys, partial indexes, what generated columns compute, names."""
    connection.execute(text("CREATE SCHEMA declared"))
    declared = MetaData(schema="declared", naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(declared)
    declared.create_all(connection)
    for query in (_COLUMNS, _CONSTRAINTS, _INDEXES):
        made, migrated = (
            {tuple(row) for row in connection.execute(text(query), {"schema": schema}) if row[0] != "alembic_version"}
            for schema in ("declared", "public")
        )
        assert made - migrated == set()
        assert migrated - made == set()
