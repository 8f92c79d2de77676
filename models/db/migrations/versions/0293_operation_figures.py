"""What is open is counted for metrics: an index of what lies on desks, whosever they are."""

from models.db.migrations.run_sql import index_beside

revision = "0293_operation_figures"
down_revision = "0280_deductions"
made = "2026-11-28"
functions = "939da26caf98"


def upgrade() -> None:
    index_beside("exceptions_open", "exceptions (due_at, owner_role) WHERE status = 'open'")
