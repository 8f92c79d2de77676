"""The trail of an imported customer names who uploaded and who approved: functions/import_create_customers.sql."""

revision = "0252_who_is_behind_an_import"
down_revision = "0251_hubspot_connections"
made = "2026-11-28"
functions = "a58abf718f57"


def upgrade() -> None:
    """The functions are made anew behind every migration."""
