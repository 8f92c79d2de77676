"""See migrations/sql/0054_import_without_event_ids.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0054_import_without_event_ids"
down_revision = "0053_every_column_held"


def upgrade() -> None:
    run_sql("0054_import_without_event_ids")
