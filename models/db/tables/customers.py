"""Customers and what belongs to them."""

from sqlalchemy import CHAR, BigInteger, Column, Date, Integer, Numeric, Table, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB

from models.db.tables.metadata import Currency, Key, Moment, goes_with, index, metadata, records, references

payment_terms = Table(
    "payment_terms",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("days", Integer, nullable=False),
    Column("discount_percent", Numeric),
    Column("discount_days", Integer),
    references("organisations"),
)

customers = records(
    "customers",
    Column("legal_entity_id", Text, nullable=False),
    Column("external_id", Text),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("email_key", Key, nullable=False),
    Column("tax_id", Text),
    Column("tax_id_key", Key),
    Column("phone", Text),
    Column("website", Text),
    Column("billing_email", Text),
    Column("notes", Text),
    Column("customer_type", Text),
    Column("credit_limit", Numeric),
    Column("payment_terms", Text),
    Column("currency_code", Currency),
    Column("tax_code", Text),
    Column("revenue_account", Text),
    Column("metadata", JSONB, nullable=False, server_default="{}"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("updated_at", Moment, nullable=False, server_default=func.now()),
    Column("erased_at", Moment),
    Column("import_id", Text),
    references("organisations"),
    references("legal_entities", legal_entity_id="id"),
    references("payment_terms", payment_terms="code"),
    index("customers_email", "org_id", "email_key", unique=True),
    index("customers_external", "org_id", "external_id", unique=True, where="external_id IS NOT NULL"),
    index("customers_id", "id"),
    index("customers_list", "org_id", "status", "id"),
    index("customers_name", "org_id", "name_key"),
    index("customers_tax_id", "org_id", "tax_id_key", unique=True, where="tax_id_key IS NOT NULL"),
)

customer_addresses = records(
    "customer_addresses",
    Column("customer_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("city", Text, nullable=False),
    Column("region", Text),
    Column("postal_code", Text),
    Column("country", CHAR(2), nullable=False),
    references("customers", customer_id="id"),
    index("customer_addresses_customer", "org_id", "customer_id", "id"),
)

customer_contacts = records(
    "customer_contacts",
    Column("customer_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("role", Text),
    references("customers", customer_id="id"),
    index("customer_contacts_customer", "org_id", "customer_id", "id"),
    index("customer_contacts_id", "id"),
)

customer_pricing_tiers = records(
    "customer_pricing_tiers",
    Column("customer_id", Text, nullable=False),
    Column("item", Key, nullable=False),
    Column("price", Numeric, nullable=False),
    Column("currency_code", Currency),
    Column("min_quantity", Numeric),
    Column("max_quantity", Numeric),
    Column("effective_from", Date),
    Column("effective_to", Date),
    references("customers", customer_id="id"),
    index("customer_pricing_tiers_customer", "org_id", "customer_id", "item", "id"),
)

customer_tax_profiles = records(
    "customer_tax_profiles",
    Column("customer_id", Text, nullable=False),
    Column("tax_code", Text, nullable=False),
    Column("certificate_number", Text),
    Column("certificate_expires_on", Date),
    Column("effective_from", Date),
    Column("effective_to", Date),
    references("customers", customer_id="id"),
    index("customer_tax_profiles_customer", "org_id", "customer_id", "id"),
    index(
        "customer_tax_profiles_expiry", "org_id", "certificate_expires_on", where="certificate_expires_on IS NOT NULL"
    ),
)

customer_dimensions = records(
    "customer_dimensions",
    Column("customer_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", Text, nullable=False),
    references("customers", customer_id="id"),
    UniqueConstraint("org_id", "customer_id", "type"),
)

customer_pays_for = records(
    "customer_pays_for",
    Column("customer_id", Text, nullable=False),
    Column("paid_customer_id", Text, nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
    references("customers", customer_id="id"),
    goes_with("customers", paid_customer_id="id"),
    index("customer_pays_for_customer", "org_id", "customer_id", "id"),
    index("customer_pays_for_paid", "org_id", "paid_customer_id", "customer_id"),
)

customer_entity_overrides = Table(
    "customer_entity_overrides",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("legal_entity_id", Text, primary_key=True),
    Column("fields", JSONB, nullable=False),
    references("customers", customer_id="id"),
    references("legal_entities", legal_entity_id="id"),
    index("customer_entity_overrides_entity", "org_id", "legal_entity_id", "customer_id"),
)

dimensions = Table(
    "dimensions",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    references("organisations"),
)
