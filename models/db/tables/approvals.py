"""What is asked for and is nobody's to decide alone, with its chains of steps."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Interval, Table, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.metadata import Currency, Moment, Texts, index, metadata, records, references

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

approval_steps = Table(
    "approval_steps",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("approval_id", Text, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("remind_after", Interval, nullable=False),
    Column("escalate_after", Interval, nullable=False),
    Column("fallback", Text, nullable=False),
    Column("started_at", Moment),
    Column("remind_at", Moment),
    Column("due_at", Moment),
    Column("reminded_at", Moment),
    Column("escalated_at", Moment),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("on_behalf_of", Text),
    Column("reason_code", Text),
    Column("comment", Text),
    Column("delegated_to", Text),
    Column("delegated_by", Text),
    Column("delegated_until", Moment),
    references("approvals", approval_id="id"),
    index(
        "approval_steps_distinct",
        "org_id",
        "approval_id",
        "round",
        "decided_by",
        unique=True,
        where="decided_by IS NOT NULL",
    ),
)

approval_decisions = records(
    "approval_decisions",
    Column("approval_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("reason_code", Text),
    Column("comment", Text),
    Column("channel", Text, nullable=False),
    Column("decided_at", Moment, nullable=False),
    references("approvals", approval_id="id"),
    index("approval_decisions_approval", "org_id", "approval_id", "id"),
)
