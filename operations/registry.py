"""Importing this module registers every operation with the runner: an explicit list."""

from operations import (
    applications,
    books,
    change_decisions,
    customer_changes,
    invoices,
    out_of_office,
    payments,
    policies,
    reconciliations,
    statements,
    undo,
)

__all__ = [
    "applications",
    "books",
    "change_decisions",
    "customer_changes",
    "invoices",
    "out_of_office",
    "payments",
    "policies",
    "reconciliations",
    "statements",
    "undo",
]
