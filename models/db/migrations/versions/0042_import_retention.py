"""See migrations/sql/0042_import_retention.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0042_import_retention"
down_revision = "0041_import_pulls"


def upgrade() -> None:
    run_sql("0042_import_retention")
