"""See migrations/sql/0001_foundation.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0001_foundation"
down_revision = None


def upgrade() -> None:
    run_sql("0001_foundation")
