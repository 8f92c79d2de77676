"""See migrations/sql/0251_hubspot_connections.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0251_hubspot_connections"
down_revision = "0210_adjustments"


def upgrade() -> None:
    run_sql("0251_hubspot_connections")
