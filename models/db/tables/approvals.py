"""What is asked for and is nobody's to decide alone, with its chains of steps."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.chains import decisions, steps
from models.db.tables.metadata import Currency, Moment, Texts, index, records, references

approvals = records(
    "approvals",
    Column("kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("legal_entity_id", Text),
    Column("summary", Text, nullable=False),
    Column("href", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency_code", Currency),
    Column("reason_code", Text),
    Column("authority", JSONB),
    Column("request", JSONB),
    Column("status", Text, nullable=False),
    Column("round", Integer, nullable=False, server_default=text("1")),
    Column("returned", Boolean, nullable=False, server_default=false()),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("command_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("warnings", JSONB, nullable=False, server_default="[]"),
    Column("deciders", Texts, nullable=False, server_default="{}"),
    Column("awaiting_step", Integer),
    Column("awaiting_role", Text),
    Column("awaiting_since", Moment),
    Column("remind_at", Moment),
    Column("due_at", Moment),
    Column("failure_code", Text),
    Column("failure_detail", Text),
    Column("closed_at", Moment),
    references("organisations"),
    references("legal_entities", legal_entity_id="id"),
    index("approvals_id", "id"),
    index(
        "approvals_inbox", "org_id", "awaiting_role", "id", where="awaiting_role IS NOT NULL", include=["submitted_by"]
    ),
    index("approvals_status", "org_id", "status", "id"),
    index(
        "approvals_subject", "org_id", "subject_id", unique=True, where="status IN ('PENDING_APPROVAL', 'FAILED')"
    ),
)  # fmt: skip

approval_steps = steps("approval_steps", of="approvals", parent="approval_id")
approval_decisions = decisions("approval_decisions", of="approvals", parent="approval_id")
