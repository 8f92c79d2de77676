"""The European Central Bank's rates, fetched or loaded: migrations/sql/0289_ecb_rates.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0289_ecb_rates"
down_revision = "0297_activities_from_sources"
made = "2026-11-28"


def upgrade() -> None:
    run_sql("0289_ecb_rates")
