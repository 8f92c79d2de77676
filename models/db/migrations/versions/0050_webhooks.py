"""See migrations/sql/0050_webhooks.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0050_webhooks"
down_revision = "0042_import_retention"


def upgrade() -> None:
    run_sql("0050_webhooks")
