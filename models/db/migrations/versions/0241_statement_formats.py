"""A bank's own CSV, described for a bank account: migrations/sql/0241_statement_formats.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0241_statement_formats"
down_revision = "0222_write_offs"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0241_statement_formats")
