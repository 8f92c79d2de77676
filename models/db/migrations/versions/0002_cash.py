"""See migrations/sql/0002_cash.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0002_cash"
down_revision = "0001_foundation"


def upgrade() -> None:
    run_sql("0002_cash")
