"""See migrations/sql/0053_every_column_held.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0053_every_column_held"
down_revision = "0052_kinds_of_records"


def upgrade() -> None:
    run_sql("0053_every_column_held")
