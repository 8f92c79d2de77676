"""The sweep looks up in which table a process' record lies."""

from alembic import op

revision = "0261_kinds_for_the_sweep"
down_revision = "0243_similar_numbers"
made = "2026-11-28"
functions = "7b47f589d4ad"


def upgrade() -> None:
    op.execute("GRANT SELECT ON record_kinds TO arflow_app")
