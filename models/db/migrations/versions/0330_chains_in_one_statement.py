"""Many audit events go in one statement, also several of a subject: functions/audit_append.sql."""

revision = "0330_chains_in_one_statement"
down_revision = "0320_mail_among_what_stands"
made = "2026-11-29"
functions = "fabe6c2e60d2"


def upgrade() -> None:
    """The functions are made anew behind every migration."""
