"""What lines wait for: see migrations/sql/0242_lines_that_wait.sql. The index is built beside the work."""

from alembic import op

from models.db.migrations.run_sql import run_sql

revision = "0242_lines_that_wait"
down_revision = "0241_statement_formats"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0242_lines_that_wait")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS statement_lines_waiting_for")
        op.execute(
            "CREATE INDEX CONCURRENTLY statement_lines_waiting_for ON statement_lines USING gin (waiting_for) "
            "WHERE waiting_for IS NOT NULL"
        )
