"""How long the rows of every table are kept: a time after which a schedule takes them away, or the reason why they stay.

tests/reads/test_retention.py holds this against the schema: a new table is entered here, unless it is declared as one of
documents of the books. Why these times: decision 0125.
"""

from collections.abc import Mapping
from typing import Final

LEAST_DAYS: Final = 30
"""Nothing younger is taken away, whatever a schedule is told; the database refuses it too."""

PERIODS: Final[Mapping[str, int]] = {
    "commands": 90,
    "outbox_events": 400,
    "webhook_deliveries": 90,
    "approval_tokens": 30,
    "proposals": 400,
}
"""Days: of a command since it was done or refused, of an event since it happened, of a delivery since its event, of a token
since it ran out, of a proposal since it ended. What is still to be done stays."""

BOOKS: Final = "the books, and what they rest on: ten years and more, as the law has it"
TRAIL: Final = "the trail: who did what, for ever; contents go with an erased customer"
MASTER: Final = "master data: until somebody changes it"
CUSTOMER: Final = "of a customer: goes with it"
IMPORT: Final = "of an import: models/imports/retention.py"
NOW: Final = "what is the case at present: as many rows as there are things"

STAYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "customer_credits", "application_sessions", "payment_applications", "credit_note_applications",
            "statements", "statement_lines", "reconciliations",
            "reconciliation_payments", "remittance_confirmations", "journal_entries", "journal_lines", "periods", "fx_rates",
            "ecb_rates",
        ),
        BOOKS,
    ),
    **dict.fromkeys(
        (
            "audit_events", "audit_heads", "audit_seals", "audit_seal_heads", "exceptions", "approvals", "approval_steps",
            "approval_decisions", "customer_changes", "customer_change_steps", "customer_change_decisions",
        ),
        TRAIL,
    ),
    **dict.fromkeys(
        (
            "organisations", "legal_entities", "accounts", "bank_accounts", "payment_terms", "dimensions", "statement_formats",
            "approval_policies", "authority_limits", "source_connections", "webhook_endpoints", "import_mappings", "record_kinds",
        ),
        MASTER,
    ),
    **dict.fromkeys(
        (
            "customers", "customer_addresses", "customer_contacts", "customer_entity_overrides", "customer_pricing_tiers",
            "customer_tax_profiles", "customer_dimensions", "customer_pays_for", "customer_claims",
            "opportunities", "quotes", "orders", "cases", "contracts",
            "nps_responses", "activities", "case_escalations", "panel_snapshots", "customer_360_views",
        ),
        CUSTOMER,
    ),
    **dict.fromkeys(
        ("customer_imports", "import_files", "import_line_data", "import_row_data", "import_outcomes"), IMPORT
    ),
    **dict.fromkeys(
        (
            "people", "out_of_office", "outbox_cursors", "outbox_horizons", "work_seen", "processes_seen", "schema_serves",
            "verify_marks", "verify_facts", "verify_erased", "verify_erasures", "verify_seals", "verify_entries",
            "alembic_version",
        ),
        NOW,
    ),
}  # fmt: skip
