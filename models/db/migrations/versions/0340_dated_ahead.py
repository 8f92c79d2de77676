"""What lowers a balance and is dated ahead is found by an index of its own. The indexes are built beside the work."""

from alembic import op

revision = "0340_dated_ahead"
down_revision = "0331_taken_keys_are_refused"
made = "2026-11-29"

_WRITTEN = {
    "payment_applications": ("created_at", "unapplied_at", "undone_date"),
    "adjustments": ("created_at", "undone_at", "undone_date"),
    "write_offs": ("posted_at", "reversed_at", "reversed_date"),
    "credit_note_applications": ("created_at", "undone_at", "undone_date"),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table, (at, undone_at, undone_date) in _WRITTEN.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {table}_ahead")
            op.execute(
                f"CREATE INDEX CONCURRENTLY {table}_ahead ON {table} (org_id, customer_id) "
                f"WHERE effective_date > ({at} AT TIME ZONE 'UTC')::date "
                f"OR {undone_date} > ({undone_at} AT TIME ZONE 'UTC')::date"
            )
