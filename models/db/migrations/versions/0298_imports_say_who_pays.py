"""Rows of imports say for whom their customer pays: functions/import_create_customers.sql."""

revision = "0298_imports_say_who_pays"
down_revision = "0289_ecb_rates"
made = "2026-11-28"
functions = "1403a604ee48"


def upgrade() -> None:
    """The functions are made anew behind every migration."""
