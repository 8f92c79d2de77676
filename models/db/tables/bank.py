"""Bank accounts, their statements, reconciliations, and the confirmations of payments."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, Table, Text, false, func, text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.metadata import Currency, Key, Moment, Texts, index, metadata, records, references

bank_accounts = records(
    "bank_accounts",
    Column("legal_entity_id", Text, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("iban", Text),
    Column("account_number", Text),
    Column("bic", Text),
    references("legal_entities", legal_entity_id="id"),
)

statements = records(
    "statements",
    Column("bank_account_id", Text, nullable=False),
    Column("file_hash", Text, nullable=False),
    Column("file_name", Text),
    Column("content", LargeBinary),
    Column("status", Text, nullable=False, server_default="PROCESSING"),
    Column("failure", JSONB),
    Column("format", Text),
    Column("opening_minor", BigInteger),
    Column("closing_minor", BigInteger),
    Column("lines_total", Integer, nullable=False, server_default=text("0")),
    Column("lines_done", Integer, nullable=False, server_default=text("0")),
    Column("warnings", JSONB, nullable=False, server_default="[]"),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("created_by", Text, nullable=False),
    Column("completed_at", Moment),
    references("bank_accounts", bank_account_id="id"),
    index("statements_file", "org_id", "bank_account_id", "file_hash", unique=True, where="status <> 'FAILED'"),
)

statement_lines = Table(
    "statement_lines",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("statement_id", Text, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("booking_date", Date, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("payer", Text),
    Column("reference", Text),
    Column("remittance_text", Text),
    Column("structured_references", JSONB, nullable=False, server_default="[]"),
    Column("external_id", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="PENDING"),
    Column("reason_code", Text),
    Column("payment_id", Text),
    Column("suggestions", JSONB, nullable=False, server_default="[]"),
    Column("value_date", Date),
    Column("bank_ref", Text),
    Column("texts", JSONB, nullable=False, server_default="[]"),
    Column("external_id_before", Text),
    Column("entry_ref", Text),
    Column("entry_minor", BigInteger),
    Column("matched_later", Boolean, nullable=False, server_default=false()),
    Column("possible_payments", JSONB, nullable=False, server_default="[]"),
    Column("waiting_for", Texts),
    Column("looked_at", Moment),
    references("statements", statement_id="id"),
    index("statement_lines_external", "org_id", "external_id"),
    index(
        "statement_lines_bank_ref",
        "org_id",
        "bank_ref",
        "booking_date",
        "amount_minor",
        where="bank_ref IS NOT NULL AND amount_minor > 0",
    ),
    index("statement_lines_entry", "org_id", "entry_ref", "booking_date", where="entry_ref IS NOT NULL"),
    Index(
        "statement_lines_waiting_for",
        "waiting_for",
        postgresql_using="gin",
        postgresql_where=text("waiting_for IS NOT NULL"),
    ),
    index("statement_lines_same", "org_id", "payment_id", where="status = 'DUPLICATE'"),
    index("statement_lines_waiting", "org_id", "amount_minor", "booking_date", where="status = 'POSSIBLE_DUPLICATE'"),
    index("statement_lines_pending", "org_id", "statement_id", "line", where="status = 'PENDING'"),
)

statement_formats = Table(
    "statement_formats",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("bank_account_id", Text, primary_key=True),
    Column("name", Key, primary_key=True),
    Column("delimiter", Text),
    Column("encoding", Text),
    Column("skip_rows", Integer),
    Column("date_format", Text, nullable=False),
    Column("decimal", Text, nullable=False),
    Column("columns", JSONB, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    references("bank_accounts", bank_account_id="id"),
)

reconciliations = records(
    "reconciliations",
    Column("bank_account_id", Text, nullable=False),
    Column("through_date", Date, nullable=False),
    Column("status", Text, nullable=False, server_default="DRAFT"),
    Column("statement_balance_minor", BigInteger),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("created_by", Text, nullable=False),
    Column("completed_at", Moment),
    Column("completed_by", Text),
    Column("reopened_at", Moment),
    Column("reopened_by", Text),
    Column("reopen_reason", Text),
    references("bank_accounts", bank_account_id="id"),
)

reconciliation_payments = Table(
    "reconciliation_payments",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("reconciliation_id", Text, primary_key=True),
    Column("payment_id", Text, primary_key=True),
    references("payments", payment_id="id"),
    references("reconciliations", reconciliation_id="id"),
    index("reconciliation_payments_payment", "org_id", "payment_id"),
)

remittance_confirmations = Table(
    "remittance_confirmations",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Moment, nullable=False, server_default=func.now()),
    references("application_sessions", session_id="id"),
)
