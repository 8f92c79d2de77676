"""Records of external systems, and what the view of a customer is made of."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.schema import SchemaItem

from models.db.tables.metadata import Currency, Moment, Texts, goes_with, index, metadata, records, references


def _from_sources(name: str, *more: SchemaItem) -> Table:
    """A table of what a source says of a customer: whose, under which name there, since when, and `more`."""
    return records(
        name,
        Column("customer_id", Text, nullable=False),
        Column("source", Text, nullable=False, server_default="arflow"),
        Column("external_id", Text, nullable=False),
        *more,
        Column("created_by", Text, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("updated_at", Moment, nullable=False),
        goes_with("customers", customer_id="id"),
        UniqueConstraint("org_id", "source", "external_id"),
        index(f"{name}_id", "id"),
    )


def _closed() -> Column[bool]:
    """Whether the record has ended at its source."""
    return Column("closed", Boolean, nullable=False, server_default=false())


opportunities = _from_sources(
    "opportunities",
    Column("name", Text, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("stage", Text, nullable=False),
    Column("close_date", Date, nullable=False),
    _closed(),
    index("opportunities_customer", "org_id", "customer_id", "id"),
    index("opportunities_open", "org_id", "customer_id", "close_date", "id", where="NOT closed"),
)

quotes = _from_sources(
    "quotes",
    Column("name", Text),
    Column("value_minor", BigInteger),
    Column("currency_code", Currency),
    Column("status", Text, nullable=False),
    Column("expiry_date", Date),
    _closed(),
    index("quotes_active", "org_id", "customer_id", "expiry_date", "id", where="NOT closed"),
    index("quotes_customer", "org_id", "customer_id", "id"),
)

orders = _from_sources(
    "orders",
    Column("value_minor", BigInteger),
    Column("currency_code", Currency),
    Column("status", Text, nullable=False),
    Column("ship_date", Date),
    Column("order_date", Date),
    Column("recent_on", Date, nullable=False),
    _closed(),
    index("orders_customer", "org_id", "customer_id", "id"),
    index("orders_recent", "org_id", "customer_id", "recent_on DESC", "id DESC"),
)

cases = _from_sources(
    "cases",
    Column("subject", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("priority_rank", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("sla_status", Text),
    Column("sla_due_at", Moment),
    _closed(),
    index("cases_customer", "org_id", "customer_id", "id"),
    index("cases_open", "org_id", "customer_id", "priority_rank", "id", where="NOT closed"),
)

contracts = _from_sources(
    "contracts",
    Column("name", Text),
    Column("status", Text, nullable=False),
    Column("renewal_date", Date, nullable=False),
    Column("notice_days", Integer, nullable=False),
    Column("notice_from", Date, Computed("renewal_date - notice_days", persisted=True)),
    Column("arr_minor", BigInteger, nullable=False),
    Column("mrr_minor", BigInteger, nullable=False),
    Column("currency_code", Currency, nullable=False),
    Column("owner_user", Text),
    _closed(),
    index("contracts_active", "org_id", "customer_id", "renewal_date", "id", where="NOT closed"),
    index("contracts_customer", "org_id", "customer_id", "id"),
    index("contracts_notice", "org_id", "notice_from", "id", where="NOT closed"),
)

nps_responses = _from_sources(
    "nps_responses",
    Column("score", Integer, nullable=False),
    Column("surveyed_at", Moment, nullable=False),
    Column("contact_id", Text),
    index("nps_responses_latest", "org_id", "customer_id", "surveyed_at DESC", "id DESC"),
)

activities = records(
    "activities",
    Column("customer_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("contact_id", Text),
    Column("occurred_at", Moment, nullable=False),
    Column("logged_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("source", Text, nullable=False, server_default="arflow"),
    Column("external_id", Text),
    goes_with("customers", customer_id="id"),
    index("activities_heard", "org_id", "source", "external_id", unique=True, where="external_id IS NOT NULL"),
    index(
        "activities_contact",
        "org_id",
        "customer_id",
        "contact_id",
        "occurred_at DESC",
        "id DESC",
        where="contact_id IS NOT NULL",
    ),
    index("activities_id", "id"),
    index("activities_timeline", "org_id", "customer_id", "occurred_at DESC", "id DESC"),
)

case_escalations = records(
    "case_escalations",
    Column("case_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("note", Text),
    Column("status", Text, nullable=False, server_default="OPEN"),
    Column("owner_role", Text, nullable=False),
    Column("escalated_by", Text, nullable=False),
    Column("escalated_at", Moment, nullable=False),
    Column("remind_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("reminded_at", Moment),
    Column("overdue_at", Moment),
    Column("resolved_at", Moment),
    Column("command_id", Text, nullable=False),
    Column("workflow_id", Text),
    goes_with("cases", case_id="id"),
    UniqueConstraint("org_id", "command_id"),
    index("case_escalations_case", "org_id", "case_id", "id"),
    index("case_escalations_open", "org_id", "case_id", unique=True, where="status = 'OPEN'"),
)

source_connections = Table(
    "source_connections",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("credential", Text),
    Column("panels", Texts, nullable=False),
    Column("timeout_ms", Integer, nullable=False, server_default=text("8000")),
    Column("max_concurrent", Integer, nullable=False, server_default=text("8")),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", Text, nullable=False),
    references("organisations"),
)

panel_snapshots = Table(
    "panel_snapshots",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("panel", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("as_of", Moment),
    Column("attempted_at", Moment, nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("error_code", Text),
    Column("next_attempt_at", Moment),
    goes_with("customers", customer_id="id"),
)

customer_360_views = Table(
    "customer_360_views",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("viewed_at", Moment, nullable=False),
    goes_with("customers", customer_id="id"),
    index("customer_360_views_recent", "org_id", "viewed_at"),
)
