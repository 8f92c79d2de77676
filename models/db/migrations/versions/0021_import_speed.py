"""See migrations/sql/0021_import_speed.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0021_import_speed"
down_revision = "0040_erasure"


def upgrade() -> None:
    run_sql("0021_import_speed")
