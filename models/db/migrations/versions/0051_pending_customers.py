"""See migrations/sql/0051_pending_customers.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0051_pending_customers"
down_revision = "0050_webhooks"


def upgrade() -> None:
    run_sql("0051_pending_customers")
