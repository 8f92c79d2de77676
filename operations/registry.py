"""Importing this module registers every operation with the runner: an explicit list."""

from operations import (
    activities,
    applications,
    books,
    change_decisions,
    customer_changes,
    escalations,
    exceptions,
    imports,
    invoices,
    out_of_office,
    payments,
    policies,
    reconciliations,
    source_records,
    statements,
    undo,
)

__all__ = [
    "activities",
    "applications",
    "books",
    "change_decisions",
    "customer_changes",
    "escalations",
    "exceptions",
    "imports",
    "invoices",
    "out_of_office",
    "payments",
    "policies",
    "reconciliations",
    "source_records",
    "statements",
    "undo",
]
