"""What tells a bank line that is a payment already: see migrations/sql/0240_lines_that_are_payments.sql.

The indexes are built beside the work: neither payments nor lines are locked against writing meanwhile.
"""

from alembic import op

from models.db.migrations.run_sql import run_sql

revision = "0240_lines_that_are_payments"
down_revision = "0260_nothing_waits_unseen"
made = "2026-11-28"

_INDEXES = {
    "payments_account_amount": "payments (org_id, bank_account_id, amount_minor, payment_date)",
    "statement_lines_external": "statement_lines (org_id, external_id)",
    "statement_lines_bank_ref": "statement_lines (org_id, bank_ref, booking_date, amount_minor) "
    "WHERE bank_ref IS NOT NULL AND amount_minor > 0",
    "statement_lines_entry": "statement_lines (org_id, entry_ref, booking_date) WHERE entry_ref IS NOT NULL",
    "statement_lines_same": "statement_lines (org_id, payment_id) WHERE status = 'DUPLICATE'",
    "statement_lines_waiting": "statement_lines (org_id, amount_minor, booking_date) "
    "WHERE status = 'POSSIBLE_DUPLICATE'",
}


def upgrade() -> None:
    run_sql("0240_lines_that_are_payments")
    with op.get_context().autocommit_block():
        for name, over in _INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # one that was left half-built
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {over}")
