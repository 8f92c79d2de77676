"""What stands is seen: marks of what was looked at, when workers were seen, indexes of what is pending."""

from models.db.migrations.run_sql import index_beside, run_sql

revision = "0260_nothing_waits_unseen"
down_revision = "0220_tokens_for_all"
made = "2026-11-28"
functions = "7b47f589d4ad"


def upgrade() -> None:
    index_beside("commands_pending", "commands (org_id, created_at) WHERE state = 'pending'")
    standing = "status = 'open' AND kind IN ('not_moving', 'step_failing')"
    index_beside("exceptions_standing", f"exceptions (kind, reason_code) WHERE {standing}")
    run_sql("0260_nothing_waits_unseen")
