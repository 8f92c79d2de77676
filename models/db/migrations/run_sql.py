"""What a migration runs: SQL files of `migrations/sql`.

A table stands where it was made or changed, in the files of that migration. A function stands once, in
`sql/functions/NAME.sql`, and is replaced as a whole: whoever changes one edits its file, and adds a migration that says the
folder's new digest (`functions = "…"`; the test of the chain prints it). Once a migration has run, all functions are made what
their files say, after the tables and in one transaction. So no text of a function is copied into a migration, and a migration
stays what it was: a step of the tables alone.
"""

from pathlib import Path

import psycopg
from alembic import op

SQL = Path(__file__).parent / "sql"
FUNCTIONS = SQL / "functions"


def run_sql(name: str) -> None:
    """Execute the file as one script; the driver's own cursor is used, so `%` and `:` mean themselves. A migration that needs
    a function before its end (for a trigger; or with another signature, dropped before) runs the function's file so."""
    _connection().execute((SQL / f"{name}.sql").read_bytes())


def index_beside(name: str, definition: str) -> None:
    """Make an index while everybody reads and writes on. It waits for transactions that are open, and nobody for it; one that a
    broken-off try has left is made anew."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        op.execute("SET lock_timeout = '900ms'")


def run_functions() -> None:
    """Make the functions within this migration: the baseline's tables need them."""
    replace_functions(_connection())


def replace_functions(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Make every function what its file says. Bodies are not looked into: they may name tables that come later."""
    with connection.transaction():
        connection.execute("SET LOCAL check_function_bodies = off")
        for file in sorted(FUNCTIONS.glob("*.sql")):
            connection.execute(file.read_bytes())


def _connection() -> "psycopg.Connection[tuple[object, ...]]":
    raw = op.get_bind().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw
