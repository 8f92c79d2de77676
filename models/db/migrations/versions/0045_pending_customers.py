"""See migrations/sql/0045_pending_customers.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0045_pending_customers"
down_revision = "0021_import_speed"


def upgrade() -> None:
    run_sql("0045_pending_customers")
