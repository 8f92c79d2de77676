"""Customers as they are kept: frozen, field names the columns'.

Amounts (credit limits, prices) are decimals in units of their currency, with all of its decimals or none. Dates are calendar
dates as they were given, times UTC. A related list is kept by the ids of its items, overrides by legal entity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from models.answers import JsonObject
from models.customers.bodies import AddressType
from models.facts import Record
from models.master_data.records import CustomerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRecord:
    """A postal address. `country` is ISO 3166-1 alpha-2."""

    type: AddressType
    lines: Sequence[str]
    city: str
    region: str | None = None
    postal_code: str | None = None
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A person at the customer's."""

    name: str
    email: str | None = None
    phone: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingTierRecord:
    """The customer's own price per unit of an item, in `currency_code`, else in the customer's currency. Both ends of a
    range belong to it; null is open."""

    item: str
    price: Decimal
    currency_code: str | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxProfileRecord:
    """An exemption or special treatment, its certificate, and when it holds."""

    tax_code: str
    certificate_number: str | None = None
    certificate_expires_on: date | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionRecord:
    """An analytical tag: one code of one type."""

    type: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaysForRecord:
    """Another customer whose invoices this one may pay on the days from `valid_from` to `valid_until`; null is open."""

    customer_id: str
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRecord:
    """What one legal entity sees differently from the master; null: as the master has it."""

    credit_limit: Decimal | None = None
    credit_limit_currency: str | None = None
    payment_terms: str | None = None
    currency_code: str | None = None
    tax_code: str | None = None
    revenue_account: str | None = None
    billing_email: str | None = None
    phone: str | None = None
    notes: str | None = None
    addresses: Sequence[AddressRecord] | None = None

    @property
    def differing(self) -> list[str]:
        """The fields that are the entity's own."""
        return [name for name in OVERRIDABLE if getattr(self, name) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMaster:
    """The customer's own fields. `legal_entity_id` owns it; a credit limit is in `currency_code`, else in the functional
    currency of the owner."""

    name: str
    email: str
    legal_entity_id: str
    external_id: str | None
    phone: str | None
    website: str | None
    billing_email: str | None
    tax_id: str | None
    notes: str | None
    customer_type: str | None
    credit_limit: Decimal | None
    payment_terms: str | None
    currency_code: str | None
    tax_code: str | None
    revenue_account: str | None
    metadata: JsonObject
    status: CustomerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCustomer(CustomerMaster):
    """A customer as lists have it: without what belongs to it."""

    id: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails(CustomerMaster):
    """The customer with everything that belongs to it: what a change is computed on and compared by."""

    addresses: Mapping[str, AddressRecord]
    contacts: Mapping[str, ContactRecord]
    pricing_tiers: Mapping[str, PricingTierRecord]
    tax_profiles: Mapping[str, TaxProfileRecord]
    dimensions: Mapping[str, DimensionRecord]
    pays_for: Mapping[str, PaysForRecord]
    entity_overrides: Mapping[str, OverrideRecord]

    def is_visible_to(self, entities: "frozenset[str] | None") -> bool:
        """Whether a token for these legal entities (None: all) covers it: the owner's people see it, and those of every
        entity that has an override of it."""
        return entities is None or self.legal_entity_id in entities or not entities.isdisjoint(self.entity_overrides)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRecords:
    """What belongs to a customer, without its master."""

    addresses: Mapping[str, AddressRecord] = field(default_factory=dict)
    contacts: Mapping[str, ContactRecord] = field(default_factory=dict)
    pricing_tiers: Mapping[str, PricingTierRecord] = field(default_factory=dict)
    tax_profiles: Mapping[str, TaxProfileRecord] = field(default_factory=dict)
    dimensions: Mapping[str, DimensionRecord] = field(default_factory=dict)
    pays_for: Mapping[str, PaysForRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer that exists, at the version that its latest change made."""

    id: str
    version: int
    created_at: datetime
    updated_at: datetime
    details: CustomerDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringCertificate:
    """The certificate of a tax profile of an active customer, and the legal entity that owns the customer."""

    id: str
    customer_id: str
    legal_entity_id: str
    certificate_expires_on: date


def names(kind: type[Record]) -> tuple[str, ...]:
    """The names of a record's fields, in order."""
    return tuple(kind.__dataclass_fields__)


FIELDS: Final = names(CustomerMaster)
"""The master fields in the order in which they are shown."""
OVERRIDABLE: Final = names(OverrideRecord)
"""What a legal entity may see differently."""
RELATED: Final[Mapping[str, type[Record]]] = {
    "addresses": AddressRecord,
    "contacts": ContactRecord,
    "pricing_tiers": PricingTierRecord,
    "tax_profiles": TaxProfileRecord,
    "dimensions": DimensionRecord,
    "pays_for": PaysForRecord,
}
"""The related lists, in the order in which they are shown."""
ID_PREFIXES: Final[Mapping[str, str]] = {
    "addresses": "addr",
    "contacts": "cont",
    "pricing_tiers": "tier",
    "tax_profiles": "taxp",
    "dimensions": "dim",
    "pays_for": "payr",
}
"""What the ids of a related list begin with."""
