"""See migrations/sql/0222_write_offs.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0222_write_offs"
down_revision = "0221_approvals"


def upgrade() -> None:
    run_sql("0222_write_offs")
