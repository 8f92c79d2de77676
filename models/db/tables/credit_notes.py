"""Credit notes, and which invoices they settle."""

from sqlalchemy import BigInteger, Boolean, Column, Computed, Date, Integer, Numeric, Text, func, text

from models.db.tables.metadata import Currency, Moment, index, records, references, undoable

credit_notes = records(
    "credit_notes",
    Column("customer_id", Text, nullable=False),
    Column("legal_entity_id", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("invoice_id", Text),
    Column("issue_date", Date, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("fx_rate", Numeric, nullable=False),
    Column("functional_currency", Currency, nullable=False),
    Column("functional_total_minor", BigInteger, nullable=False),
    Column("functional_balance_minor", BigInteger, nullable=False),
    Column("functional_tax_minor", BigInteger, nullable=False),
    Column("authorised_minor", BigInteger, nullable=False),
    Column("revenue_account", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("note", Text),
    Column("tax_given", Boolean, nullable=False),
    Column("approval_id", Text),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("created_by", Text, nullable=False),
    Column("posted_at", Moment),
    Column("rejected_at", Moment),
    Column("voided_at", Moment),
    Column("void_date", Date),
    Column("void_reason", Text),
    Column(
        "status",
        Text,
        Computed(
            """CASE WHEN voided_at IS NOT NULL THEN 'VOID'
            WHEN rejected_at IS NOT NULL THEN 'REJECTED'
            WHEN posted_at IS NULL THEN 'PENDING_APPROVAL'
            WHEN balance_minor = 0 THEN 'APPLIED'
            WHEN balance_minor < total_minor THEN 'PARTIALLY_APPLIED'
            ELSE 'OPEN' END""",
            persisted=True,
        ),
    ),
    references("customers", customer_id="id"),
    references("legal_entities", legal_entity_id="id"),
    references("invoices", invoice_id="id"),
    references("accounts", revenue_account="key"),
    index("credit_notes_external", "org_id", "external_id", unique=True),
    index("credit_notes_customer", "org_id", "customer_id", "id"),
    index("credit_notes_invoice", "org_id", "invoice_id", where="invoice_id IS NOT NULL"),
    index("credit_notes_open", "org_id", "customer_id", where="balance_minor > 0"),
)

credit_note_applications = records(
    "credit_note_applications",
    Column("credit_note_id", Text, nullable=False),
    Column("invoice_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("legal_entity_id", Text, nullable=False),
    Column("payment_id", Text),
    Column("session_id", Text),
    Column("external_id", Text),
    Column("command_id", Text, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("applied_minor", BigInteger, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("functional_credit_minor", BigInteger, nullable=False),
    Column("functional_relief_minor", BigInteger, nullable=False),
    Column("functional_currency", Currency, nullable=False),
    Column("journal_entry_id", Text),
    Column("effective_date", Date, nullable=False),
    Column("entry_date", Date, nullable=False),
    *undoable(),
    references("credit_notes", credit_note_id="id"),
    references("invoices", invoice_id="id"),
    references("payments", payment_id="id"),
    references("application_sessions", session_id="id"),
    index("credit_note_applications_effective", "org_id", "customer_id", "effective_date"),
    index(
        "credit_note_applications_external",
        "org_id",
        "credit_note_id",
        "external_id",
        "line_no",
        unique=True,
        where="external_id IS NOT NULL",
    ),
    index("credit_note_applications_invoice", "org_id", "invoice_id"),
    index("credit_note_applications_note", "org_id", "credit_note_id", "id"),
    index("credit_note_applications_payment", "org_id", "payment_id", where="payment_id IS NOT NULL"),
    index("credit_note_applications_undone", "org_id", "customer_id", "undone_date", where="undone_at IS NOT NULL"),
)
