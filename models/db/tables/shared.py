"""What every room needs: organisations, commands, the audit trail, events, exceptions, webhooks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from models.db.tables.metadata import Currency, Moment, Texts, goes_with, index, metadata, records, references

organisations = Table(
    "organisations",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("settings", JSONB, nullable=False, server_default="{}"),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
)

legal_entities = records(
    "legal_entities",
    Column("name", Text, nullable=False),
    Column("functional_currency", Currency, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("discount_tax", Text, nullable=False, server_default="adjust"),
    references("organisations"),
)

authority_limits = Table(
    "authority_limits",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("limits", JSONB, nullable=False),
    Column("approval_id", Text),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("created_by", Text, nullable=False),
    references("organisations"),
)

commands = records(
    "commands",
    Column("operation", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("idem_key", Text, nullable=False),
    Column("key_given", Boolean, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("resource_id", Text),
    Column("subject_id", Text),
    Column("customer_id", Text),
    Column("actor", Text, nullable=False),
    Column("roles", Texts, nullable=False),
    Column("entities", Texts),
    Column("request_id", Text, nullable=False),
    Column("workflow_id", Text),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("http_status", Integer),
    Column("response", JSON),
    Column("replayed", Boolean, nullable=False, server_default=false()),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("finished_at", Moment),
    index("commands_created", "created_at"),
    index("commands_customer", "org_id", "customer_id", where="customer_id IS NOT NULL"),
    index("commands_pending", "org_id", "created_at", where="state = 'pending'"),
    index("commands_key", "org_id", "path", "idem_key", unique=True, where="state <> 'refused'"),
    index("commands_workflow", "org_id", "workflow_id", where="workflow_id IS NOT NULL"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason_code", Text),
    Column("request_id", Text),
    Column("workflow_id", Text),
    Column("payload", Text),
    Column("salt", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    index("audit_events_actor", "org_id", "actor", "at"),
    index("audit_events_at", "org_id", "at", "subject_id", "seq"),
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("sealed_at", Moment, primary_key=True),
    Column("heads", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
)

audit_seal_heads = Table(
    "audit_seal_heads",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("sealed_at", Moment, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    references("audit_seals", sealed_at="sealed_at"),
    index("audit_seal_heads_subject", "org_id", "subject_id", "seq"),
)

outbox_events = records(
    "outbox_events",
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("at", Moment, nullable=False, server_default=func.now()),
    Column("position", BigInteger),
    Column("published_at", Moment),
    index("outbox_all_positions", "position", where="position IS NOT NULL"),
    index("outbox_pending", "seq", where="position IS NULL"),
    index("outbox_position", "org_id", "position", unique=True, where="position IS NOT NULL"),
)

outbox_cursors = Table(
    "outbox_cursors",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

outbox_horizons = Table(
    "outbox_horizons",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    references("organisations"),
)

exceptions = records(
    "exceptions",
    Column("kind", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("owner_role", Text),
    Column("owner_user", Text),
    Column("legal_entity_id", Text),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Column("status", Text, nullable=False, server_default="open"),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("due_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("resolved_by", Text),
    Column("resolution_code", Text),
    Column("note", Text),
    index("exceptions_list", "org_id", "status", "due_at", "id"),
    index("exceptions_open", "due_at", "owner_role", where="status = 'open'"),
    index(
        "exceptions_standing",
        "kind",
        "reason_code",
        where="status = 'open' AND kind IN ('not_moving', 'step_failing')",
    ),
    index("exceptions_one_open", "org_id", "kind", "reason_code", "subject_id", unique=True, where="status = 'open'"),
)

work_seen = Table(
    "work_seen",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

schema_serves = Table(
    "schema_serves",
    metadata,
    Column("revision", Text, primary_key=True),
)

processes_seen = Table(
    "processes_seen",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("build", Text),
    Column("seen_at", Moment, nullable=False),
)

webhook_endpoints = records(
    "webhook_endpoints",
    Column("url", Text, nullable=False),
    Column("event_types", Texts, nullable=False, server_default="{}"),
    Column("description", Text),
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_until", Moment),
    Column("status", Text, nullable=False, server_default="enabled"),
    Column("since", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    references("organisations"),
)

webhook_deliveries = records(
    "webhook_deliveries",
    Column("endpoint_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="PENDING"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Column("last_attempt_at", Moment),
    Column("next_attempt_at", Moment),
    Column("response_status", Integer),
    Column("error_code", Text),
    Column("delivered_at", Moment),
    Column("created_at", Moment, nullable=False),
    references("webhook_endpoints", endpoint_id="id"),
    goes_with("outbox_events", event_id="id"),
    UniqueConstraint("org_id", "endpoint_id", "event_id"),
    index("webhook_deliveries_due", "org_id", "endpoint_id", "subject", "position", where="status = 'PENDING'"),
    index("webhook_deliveries_list", "org_id", "position DESC", "id"),
)

record_kinds = Table(
    "record_kinds",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("table_name", Text, nullable=False),
    Column("of_the_books", Boolean, nullable=False, server_default=false()),
)
