"""See migrations/sql/0054_lean_trail.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0054_lean_trail"
down_revision = "0053_every_column_held"


def upgrade() -> None:
    run_sql("0054_lean_trail")
