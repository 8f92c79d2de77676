"""The baseline: what the migrations until 2026-11-28 had come to. A database at that revision has all of it."""

from models.db.migrations.run_sql import run_functions, run_sql

revision = "0151_bank_account_numbers"
down_revision = None
made = "2026-11-28"
functions = "faba2b53e6ef"

_AREAS = (
    "shared", "customers", "changes", "ledger", "bank", "cash", "reconciliations", "imports", "customer_360", "verification",
)  # fmt: skip
"""A file each, in an order in which whoever is referred to comes first."""


def upgrade() -> None:
    run_functions()
    for area in _AREAS:
        run_sql(f"baseline/{area}")
