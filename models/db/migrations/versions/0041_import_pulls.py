"""See migrations/sql/0041_import_pulls.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0041_import_pulls"
down_revision = "0021_import_speed"


def upgrade() -> None:
    run_sql("0041_import_pulls")
