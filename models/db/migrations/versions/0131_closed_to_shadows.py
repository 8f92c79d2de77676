"""See migrations/sql/0131_closed_to_shadows.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0131_closed_to_shadows"
down_revision = "0141_keys_of_what_is_seen"


def upgrade() -> None:
    run_sql("0131_closed_to_shadows")
