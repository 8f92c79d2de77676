"""See migrations/sql/0003_relay.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0003_relay"
down_revision = "0002_cash"


def upgrade() -> None:
    run_sql("0003_relay")
