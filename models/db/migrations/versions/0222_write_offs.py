"""A balance that is given up without a payment: migrations/sql/0222_write_offs.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0222_write_offs"
down_revision = "0221_approvals"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0222_write_offs")
