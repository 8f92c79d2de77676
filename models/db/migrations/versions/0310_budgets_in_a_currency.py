"""An agent's budget is in a currency: migrations/sql/0310_budgets_in_a_currency.sql."""

from models.db.migrations.run_sql import run_sql

revision = "0310_budgets_in_a_currency"
down_revision = "0306_audit_by_sets"
made = "2026-11-29"


def upgrade() -> None:
    run_sql("0310_budgets_in_a_currency")
