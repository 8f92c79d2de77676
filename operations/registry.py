"""Importing this module registers every operation with the runner: an explicit list."""

from operations import authority, bank_accounts, exceptions, legal_entities, master_data, proposals, webhooks
from operations.approvals import requests as approvals
from operations.cash import (
    applications,
    credit_note_applications,
    credit_notes,
    deduction_decisions,
    deductions,
    invoices,
    line_links,
    payments,
    periods,
    rates,
    reconciliations,
    recording,
    statement_formats,
    statement_retries,
    statements,
    undo,
    undo_adjustment,
    write_offs,
)
from operations.customer_360 import activities, escalations, panels, source_records
from operations.customers import decisions as change_decisions
from operations.customers import out_of_office, policies
from operations.customers import submission as customer_changes
from operations.imports import decisions as imports

__all__ = [
    "activities",
    "applications",
    "approvals",
    "authority",
    "bank_accounts",
    "change_decisions",
    "credit_note_applications",
    "credit_notes",
    "customer_changes",
    "deduction_decisions",
    "deductions",
    "escalations",
    "exceptions",
    "imports",
    "invoices",
    "legal_entities",
    "line_links",
    "master_data",
    "out_of_office",
    "panels",
    "payments",
    "periods",
    "policies",
    "proposals",
    "rates",
    "reconciliations",
    "recording",
    "source_records",
    "statement_formats",
    "statement_retries",
    "statements",
    "undo",
    "undo_adjustment",
    "webhooks",
    "write_offs",
]
