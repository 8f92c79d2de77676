"""Runs one numbered SQL file of `migrations/sql` as a migration."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def run_sql(name: str) -> None:
    """Execute the file as one script; the driver's own cursor is used, so `%` and `:` mean themselves."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
