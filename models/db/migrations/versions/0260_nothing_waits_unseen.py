"""What stands is seen: marks of what was looked at, when workers were seen, indexes of what is pending."""

from alembic import op

from models.db.migrations.run_sql import run_sql

revision = "0260_nothing_waits_unseen"
down_revision = "0220_tokens_for_all"
functions = "7b47f589d4ad"


def upgrade() -> None:
    run_sql("0260_nothing_waits_unseen")
    with op.get_context().autocommit_block():  # nobody who writes waits for them
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS commands_pending ON commands (org_id, created_at) WHERE state = 'pending'"
        )
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS exceptions_standing ON exceptions (kind, reason_code) "
            "WHERE status = 'open' AND kind IN ('not_moving', 'step_failing')"
        )
