"""An adjustment says of its application what that says of itself; audit events of many subjects go in one statement."""

from models.db.migrations.run_sql import run_sql

revision = "0306_audit_by_sets"
down_revision = "0298_imports_say_who_pays"
made = "2026-11-29"
functions = "d0fd590ca815"


def upgrade() -> None:
    run_sql("functions/adjustments_with_application")
    run_sql("0306_adjustments_with_application")
