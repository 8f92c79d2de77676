"""The tables, declared once. The migrations make them; a test compares the two.

What the database does by itself (triggers, functions, policies, checks) stands in the migrations only.
"""

from models.db.tables import (
    approvals,
    bank,
    cash,
    changes,
    conversation,
    credit_notes,
    customer_360,
    customers,
    deductions,
    imports,
    ledger,
    shared,
    verification,
)
from models.db.tables.metadata import metadata

__all__ = [
    "approvals",
    "bank",
    "cash",
    "changes",
    "conversation",
    "credit_notes",
    "customer_360",
    "customers",
    "deductions",
    "imports",
    "ledger",
    "metadata",
    "shared",
    "verification",
]
