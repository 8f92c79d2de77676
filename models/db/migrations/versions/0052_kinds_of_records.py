"""See migrations/sql/0052_kinds_of_records.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0052_kinds_of_records"
down_revision = "0051_pending_customers"


def upgrade() -> None:
    run_sql("0052_kinds_of_records")
