"""What is answered about customers. Amounts are decimals in units, as texts; items of related lists have ids of their own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from models.answers import JsonObject, answer, answer_from
from models.customers.bodies import AddressType
from models.customers.record import EntityView, Source, spelled_amount
from models.customers.records import (
    AddressRecord,
    Customer,
    CustomerDetails,
    ListedCustomer,
    OverrideRecord,
    PricingTierRecord,
)
from models.facts import Facts
from models.master_data.records import CustomerStatus


@answer
class AddressAnswer:
    """A postal address of the customer."""

    id: str
    type: AddressType
    lines: Sequence[str]
    city: str
    region: str | None
    postal_code: str | None
    country: str


@answer
class OwnAddressAnswer:
    """A postal address that a legal entity has of its own for the customer. They have no ids: they are replaced together."""

    type: AddressType
    lines: Sequence[str]
    city: str
    region: str | None
    postal_code: str | None
    country: str


@answer
class ContactAnswer:
    """A person at the customer's."""

    id: str
    name: str
    email: str | None
    phone: str | None
    role: str | None


@answer
class PricingTierAnswer:
    """The customer's own price per unit, in `currency_code`, else in the customer's currency; null is open."""

    id: str
    item: str
    price: Decimal
    currency_code: str | None
    min_quantity: Decimal | None
    max_quantity: Decimal | None
    effective_from: date | None
    effective_to: date | None


@answer
class TaxProfileAnswer:
    """An exemption or special treatment, its certificate, and when it holds."""

    id: str
    tax_code: str
    certificate_number: str | None
    certificate_expires_on: date | None
    effective_from: date | None
    effective_to: date | None


@answer
class CustomerDimensionAnswer:
    """An analytical tag: one code of one type."""

    id: str
    type: str
    code: str


@answer
class PaysForAnswer:
    """Another customer whose invoices this one may pay on these days, ends included; null is open."""

    id: str
    customer_id: str
    valid_from: date | None
    valid_until: date | None


@answer
class EntityOverrideAnswer:
    """What one legal entity sees differently; null: as the master has it."""

    legal_entity_id: str
    credit_limit: Decimal | None
    credit_limit_currency: str | None
    payment_terms: str | None
    currency_code: str | None
    tax_code: str | None
    revenue_account: str | None
    billing_email: str | None
    phone: str | None
    notes: str | None
    addresses: Sequence[OwnAddressAnswer] | None


@answer
class ListedCustomerAnswer:
    """A customer's own fields. `version` counts its changes; `metadata` is the caller's own JSON."""

    id: str
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
    version: int
    created_at: datetime
    updated_at: datetime


@answer
class _Complete(ListedCustomerAnswer):
    contacts: Sequence[ContactAnswer]
    pricing_tiers: Sequence[PricingTierAnswer]
    tax_profiles: Sequence[TaxProfileAnswer]
    dimensions: Sequence[CustomerDimensionAnswer]
    pays_for: Sequence[PaysForAnswer]


@answer
class CustomerAnswer(_Complete):
    """The customer's master with everything that belongs to it."""

    addresses: Sequence[AddressAnswer]
    entity_overrides: Sequence[EntityOverrideAnswer]


@answer
class EffectiveCustomerAnswer(_Complete):
    """The customer as one legal entity sees it. `overrides` names the fields that are the entity's own, `provenance` says
    it of each."""

    addresses: Sequence[AddressAnswer] | Sequence[OwnAddressAnswer]
    effective_for: str
    credit_limit_currency: str
    overrides: Sequence[str]
    provenance: Mapping[str, Source]


@answer
class ItemPriceAnswer:
    """The customer's own price per unit; `price` is null where the standard price holds."""

    customer_id: str
    item: str
    quantity: Decimal
    date: date
    currency_code: str
    price: Decimal | None
    pricing_tier_id: str | None
    source: Literal["customer", "standard"]


def customer_answer(c: Customer) -> CustomerAnswer:
    """The master."""
    overrides = [_override_answer(entity, o) for entity, o in c.details.entity_overrides.items()]
    return answer_from(CustomerAnswer, c.details, **_belongings(c), entity_overrides=overrides)


def effective_customer_answer(c: Customer, view: EntityView) -> EffectiveCustomerAnswer:
    """What a legal entity sees of it."""
    own: Facts = {} if view.addresses is None else {"addresses": _addresses(view.addresses)}
    return answer_from(
        EffectiveCustomerAnswer,
        view.details,
        **{**_belongings(c), **own},
        effective_for=view.legal_entity_id,
        credit_limit_currency=view.credit_limit_currency,
        overrides=view.overrides,
        provenance=view.provenance,
    )


def listed_customer_answer(c: ListedCustomer) -> ListedCustomerAnswer:
    """A customer as lists show it."""
    return answer_from(ListedCustomerAnswer, c, credit_limit=spelled_amount(c.credit_limit, c.currency_code))


def contact_answers(customer: CustomerDetails) -> list[ContactAnswer]:
    """The contacts, in the order of their ids."""
    return [answer_from(ContactAnswer, one, id=i) for i, one in customer.contacts.items()]


def price_answer(
    customer_id: str, item: str, quantity: Decimal, day: date, currency: str, tier: tuple[str, PricingTierRecord] | None
) -> ItemPriceAnswer:
    """What the item costs the customer on that day."""
    return ItemPriceAnswer(
        customer_id=customer_id,
        item=item,
        quantity=quantity,
        date=day,
        currency_code=currency,
        price=tier[1].price if tier else None,
        pricing_tier_id=tier[0] if tier else None,
        source="customer" if tier else "standard",
    )


def _belongings(c: Customer) -> Facts:
    d = c.details
    return {
        "id": c.id,
        "version": c.version,
        "created_at": c.created_at,
        "updated_at": c.updated_at,
        "addresses": [answer_from(AddressAnswer, one, id=i) for i, one in d.addresses.items()],
        "contacts": contact_answers(d),
        "pricing_tiers": [answer_from(PricingTierAnswer, one, id=i) for i, one in d.pricing_tiers.items()],
        "tax_profiles": [answer_from(TaxProfileAnswer, one, id=i) for i, one in d.tax_profiles.items()],
        "dimensions": [answer_from(CustomerDimensionAnswer, one, id=i) for i, one in d.dimensions.items()],
        "pays_for": [answer_from(PaysForAnswer, one, id=i) for i, one in d.pays_for.items()],
    }


def _override_answer(entity: str, o: OverrideRecord) -> EntityOverrideAnswer:
    addresses = None if o.addresses is None else _addresses(o.addresses)
    return answer_from(EntityOverrideAnswer, o, legal_entity_id=entity, addresses=addresses)


def _addresses(addresses: Iterable[AddressRecord]) -> list[OwnAddressAnswer]:
    return [answer_from(OwnAddressAnswer, one) for one in addresses]
