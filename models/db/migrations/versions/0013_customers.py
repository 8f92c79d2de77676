"""See migrations/sql/0013_customers.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0013_customers"
down_revision = "0012_reads"


def upgrade() -> None:
    run_sql("0013_customers")
