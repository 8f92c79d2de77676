"""Open invoices are found by what is left of their number. The index is built beside the work."""

from alembic import op

revision = "0243_similar_numbers"
down_revision = "0270_proposals"
made = "2026-11-28"

_LOOSE_KEY = (
    "regexp_replace(regexp_replace(lower(external_id), '[^a-z0-9]', '', 'g'), '(^|[a-z])0+(?=[0-9])', '\\1', 'g')"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS invoices_loose")
        op.execute(
            f"CREATE INDEX CONCURRENTLY invoices_loose ON invoices (org_id, ({_LOOSE_KEY})) WHERE balance_due_minor > 0"
        )
