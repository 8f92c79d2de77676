"""What a payer left out of a payment: migrations/sql/0280_deductions.sql; an erased customer's words go from them too."""

from models.db.migrations.run_sql import run_sql

revision = "0280_deductions"
down_revision = "0288_what_is_kept"
made = "2026-11-28"
functions = "49e27c883054"


def upgrade() -> None:
    run_sql("0280_deductions")
