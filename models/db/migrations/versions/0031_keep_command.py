"""See migrations/sql/0031_keep_command.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0031_keep_command"
down_revision = "0030_customer_360"


def upgrade() -> None:
    run_sql("0031_keep_command")
