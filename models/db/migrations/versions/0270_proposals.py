"""What an assistant proposes, with its effect: migrations/sql/0270_proposals.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0270_proposals"
down_revision = "0230_credit_notes"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0270_proposals")
