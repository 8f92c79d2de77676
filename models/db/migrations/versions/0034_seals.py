"""See migrations/sql/0034_seals.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0034_seals"
down_revision = "0031_keep_command"


def upgrade() -> None:
    run_sql("0034_seals")
