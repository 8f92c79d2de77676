"""Mail that does not go out is among what stands: functions/standing_work.sql."""

revision = "0320_mail_among_what_stands"
down_revision = "0310_budgets_in_a_currency"
made = "2026-11-29"
functions = "72e0a09c5b8a"


def upgrade() -> None:
    """The functions are made anew behind every migration."""
