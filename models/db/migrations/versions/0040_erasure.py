"""See migrations/sql/0040_erasure.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0040_erasure"
down_revision = "0020_imports"


def upgrade() -> None:
    run_sql("0040_erasure")
