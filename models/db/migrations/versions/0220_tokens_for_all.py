"""A token proves the decision of whatever is under approval, not of changes alone."""

from alembic import op

revision = "0220_tokens_for_all"
down_revision = "0250_pays_for"
made = "2026-11-28"


def upgrade() -> None:
    op.execute("ALTER TABLE approval_tokens DROP CONSTRAINT approval_tokens_org_id_change_id_fkey")
