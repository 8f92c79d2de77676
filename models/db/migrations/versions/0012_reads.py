"""See migrations/sql/0012_reads.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0012_reads"
down_revision = "0003_relay"


def upgrade() -> None:
    run_sql("0012_reads")
