"""Activities may come from a source: see migrations/sql/0297_activities_from_sources.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0297_activities_from_sources"
down_revision = "0293_operation_figures"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0297_activities_from_sources")
