"""For whom a customer pays: migrations/sql/0250_pays_for.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0250_pays_for"
down_revision = "0151_bank_account_numbers"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0250_pays_for")
