"""See migrations/sql/0250_pays_for.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0250_pays_for"
down_revision = "0151_bank_account_numbers"


def upgrade() -> None:
    run_sql("0250_pays_for")
