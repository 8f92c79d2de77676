"""See migrations/sql/0020_imports.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0020_imports"
down_revision = "0034_seals"


def upgrade() -> None:
    run_sql("0020_imports")
