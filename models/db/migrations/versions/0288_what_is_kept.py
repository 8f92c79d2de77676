"""How long things are kept, and what need not be kept: see migrations/sql/0288_what_is_kept.sql, functions/prune_records.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0288_what_is_kept"
down_revision = "0262_builds_served"
made = "2026-11-28"
functions = "c94c820006d6"


def upgrade() -> None:
    run_sql("0288_what_is_kept")
