"""See migrations/sql/0289_ecb_rates.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0289_ecb_rates"
down_revision = "0297_activities_from_sources"


def upgrade() -> None:
    run_sql("0289_ecb_rates")
