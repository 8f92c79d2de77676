"""See migrations/sql/0055_lean_trail.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0055_lean_trail"
down_revision = "0054_import_without_event_ids"


def upgrade() -> None:
    run_sql("0055_lean_trail")
