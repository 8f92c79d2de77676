"""See migrations/sql/0056_whose_key.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0056_whose_key"
down_revision = "0055_lean_trail"


def upgrade() -> None:
    run_sql("0056_whose_key")
