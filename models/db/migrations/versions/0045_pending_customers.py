"""See migrations/sql/0045_pending_customers.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0045_pending_customers"
down_revision = "0042_import_retention"


def upgrade() -> None:
    run_sql("0045_pending_customers")
