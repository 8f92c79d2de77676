"""See migrations/sql/0151_bank_account_numbers.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0151_bank_account_numbers"
down_revision = "0131_closed_to_shadows"


def upgrade() -> None:
    run_sql("0151_bank_account_numbers")
