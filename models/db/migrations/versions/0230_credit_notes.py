"""Documents that take back an invoice or a part of it: migrations/sql/0230_credit_notes.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0230_credit_notes"
down_revision = "0242_lines_that_wait"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0230_credit_notes")
