"""What assistants propose."""

from sqlalchemy import BigInteger, Column, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.metadata import Moment, index, records, references

proposals = records(
    "proposals",
    Column("operation", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("effect", JSONB, nullable=False),
    Column("effect_hash", Text, nullable=False),
    Column("warnings", JSONB, nullable=False, server_default="[]"),
    Column("confirmation", Text, nullable=False),
    Column("customer_id", Text),
    Column("actor", Text, nullable=False),
    Column("agent", Text),
    Column("client", Text),
    Column("writes_per_hour", Integer),
    Column("amount_minor_per_day", BigInteger),
    Column("amount_minor", BigInteger, nullable=False),
    Column("budget_currency", Text),
    Column("amount_currency", Text),
    Column("status", Text, nullable=False, server_default="OPEN"),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("confirmed_by", Text),
    Column("command_id", Text),
    Column("successor_id", Text),
    references("organisations"),
    index("proposals_command", "org_id", "command_id", unique=True, where="command_id IS NOT NULL"),
    index("proposals_customer", "org_id", "customer_id", where="customer_id IS NOT NULL"),
    index("proposals_spent", "org_id", "actor", "agent", "ended_at", where="status = 'COMMITTED'"),
)
