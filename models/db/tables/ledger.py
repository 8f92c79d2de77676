"""The chart of accounts, the periods, the rates and the journal."""

from sqlalchemy import CHAR, BigInteger, Column, Date, Integer, Numeric, Table, Text, UniqueConstraint, func

from models.db.tables.metadata import Currency, Moment, index, metadata, records, references

accounts = Table(
    "accounts",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    references("organisations"),
    UniqueConstraint("org_id", "code"),
)

periods = Table(
    "periods",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("period", CHAR(7), primary_key=True),
    Column("status", Text, nullable=False),
    Column("changed_at", Moment, nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
    references("organisations"),
)

fx_rates = Table(
    "fx_rates",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("base", Currency, primary_key=True),
    Column("quote", Currency, primary_key=True),
    Column("rate_date", Date, primary_key=True),
    Column("rate", Numeric, nullable=False),
    Column("source", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False, server_default=func.now()),
    Column("recorded_by", Text, nullable=False),
    references("organisations"),
)

ecb_rates = Table(
    "ecb_rates",
    metadata,
    Column("currency", Currency, primary_key=True),
    Column("rate_date", Date, primary_key=True),
    Column("rate", Numeric, nullable=False),
    Column("fetched_at", Moment, nullable=False, server_default=func.now()),
)

journal_entries = records(
    "journal_entries",
    Column("entry_date", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("legal_entity_id", Text, nullable=False),
    Column("functional_currency", Currency, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    references("organisations"),
    references("legal_entities", legal_entity_id="id"),
    index("journal_entries_date", "org_id", "entry_date"),
    index("journal_entries_source", "org_id", "source_id"),
)

journal_lines = Table(
    "journal_lines",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("debit_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("functional_debit_minor", BigInteger, nullable=False),
    Column("functional_credit_minor", BigInteger, nullable=False),
    Column("customer_id", Text),
    Column("invoice_id", Text),
    Column("bank_account_id", Text),
    references("accounts", account="key"),
    references("journal_entries", entry_id="id"),
    index("journal_lines_account", "org_id", "account"),
)
