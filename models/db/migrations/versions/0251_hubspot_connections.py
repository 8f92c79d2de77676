"""Connections lead to HubSpot, too: migrations/sql/0251_hubspot_connections.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0251_hubspot_connections"
down_revision = "0210_adjustments"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0251_hubspot_connections")
