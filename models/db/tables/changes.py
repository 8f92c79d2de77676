"""Changes to customers on their way through approval, and the people who approve."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.chains import decisions, steps
from models.db.tables.metadata import Key, Moment, Texts, index, metadata, records, references

approval_policies = Table(
    "approval_policies",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("policy", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", Text, nullable=False),
    references("organisations"),
)

customer_changes = records(
    "customer_changes",
    Column("operation", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("legal_entity_id", Text, nullable=False),
    Column("entities", Texts, nullable=False),
    Column("external_id", Text),
    Column("lane", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("round", Integer, nullable=False, server_default=text("1")),
    Column("returned", Boolean, nullable=False, server_default=false()),
    Column("mode", Text),
    Column("force", Boolean, nullable=False, server_default=false()),
    Column("reason_code", Text),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("command_id", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("body_hash", Text),
    Column("base_version", BigInteger),
    Column("request", JSONB),
    Column("diff", JSONB),
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
    index("customer_changes_customer", "org_id", "customer_id", "id"),
    index(
        "customer_changes_external",
        "org_id",
        "external_id",
        unique=True,
        where="operation = 'create' AND external_id IS NOT NULL AND status NOT IN ('REJECTED', 'WITHDRAWN')",
    ),
    index("customer_changes_id", "id"),
    index(
        "customer_changes_inbox",
        "org_id",
        "awaiting_role",
        "id",
        where="awaiting_role IS NOT NULL",
        include=["submitted_by"],
    ),
    index(
        "customer_changes_pending_create",
        "customer_id",
        where="operation = 'create' AND status IN ('PENDING_APPROVAL', 'FAILED')",
    ),
    index("customer_changes_status", "org_id", "status", "id"),
)

customer_change_steps = steps("customer_change_steps", of="customer_changes", parent="change_id")
customer_change_decisions = decisions("customer_change_decisions", of="customer_changes", parent="change_id")

customer_claims = Table(
    "customer_claims",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("change_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    index("customer_claims_change", "org_id", "change_id"),
)

people = Table(
    "people",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("roles", Texts, nullable=False),
    Column("entities", Texts),
    Column("seen_at", Moment, nullable=False),
    references("organisations"),
)

out_of_office = Table(
    "out_of_office",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("delegate_user_id", Text),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    references("organisations"),
    index("out_of_office_delegate", "org_id", "delegate_user_id"),
)

approval_tokens = records(
    "approval_tokens",
    Column("change_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("roles", Texts, nullable=False),
    Column("entities", Texts),
    Column("key", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    index("approval_tokens_change", "org_id", "change_id"),
)
