"""What lowers an invoice beside money, in a session of a payment: migrations/sql/0210_adjustments.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0210_adjustments"
down_revision = "0240_lines_that_are_payments"
made = "2026-11-28"
functions = "6a892bbfedf2"


def upgrade() -> None:
    run_sql("0210_adjustments")
    run_sql("functions/adjustments_go_with_application")
    run_sql("0210_adjustments_guard")
