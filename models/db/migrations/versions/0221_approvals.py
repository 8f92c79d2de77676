"""Approvals of every kind but customers' changes: migrations/sql/0221_approvals.sql. An erasure leaves approvals of what stays in
the books, without their comments."""

from models.db.migrations.run_sql import run_sql

revision = "0221_approvals"
down_revision = "0252_who_is_behind_an_import"
made = "2026-11-28"
functions = "358c833c4e8c"


def upgrade() -> None:
    run_sql("0221_approvals")
