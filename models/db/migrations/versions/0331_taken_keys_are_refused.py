"""A customer whose key somebody has taken meanwhile is refused by the index: functions/import_create_customers.sql."""

revision = "0331_taken_keys_are_refused"
down_revision = "0330_chains_in_one_statement"
made = "2026-11-29"
functions = "87cf4a54a7d3"


def upgrade() -> None:
    """The functions are made anew behind every migration."""
