"""What comes in about a customer: the bodies of POST and PATCH, field by field (docs/api.md, section 4).

Everything that the body alone decides is decided here. What needs other records (terms, accounts, entities,
duplicates) is decided where they can be read. `dump()` gives the JSON form that a change keeps.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer, model_validator

from models import checks
from models.customers.metadata import metadata
from models.customers.paying import check_periods
from models.customers.pricing import check_tiers
from models.money import plain_text
from models.values import Body, Code, CurrencyCode, ExternalId, IsoDate, Line, Text

LIST_LIMIT: Final = 500


class CustomerType(StrEnum):
    """How customers are classed (docs/sources.md, Customer management)."""

    RETAIL = "retail"
    WHOLESALE = "wholesale"
    DISTRIBUTOR = "distributor"
    ENTERPRISE = "enterprise"
    GOVERNMENT = "government"
    NONPROFIT = "nonprofit"
    OTHER = "other"


def _customer_type(value: object) -> str:
    if not isinstance(value, str) or value not in CustomerType.__members__.values():
        raise checks.invalid("CUSTOMER_TYPE_INVALID", f"One of: {', '.join(CustomerType)}.")
    return str(value)


_as_text = PlainSerializer(plain_text, return_type=str)

Email = Annotated[str, AfterValidator(checks.email)]
Phone = Annotated[str, AfterValidator(checks.phone)]
Website = Annotated[str, AfterValidator(checks.website)]
TaxId = Annotated[str, AfterValidator(checks.tax_id)]
Notes = Annotated[Text, AfterValidator(checks.not_blank)]
PostalCode = Annotated[str, AfterValidator(lambda v: checks.text(v, limit=20))]
Country = Annotated[str, AfterValidator(checks.country)]
Kind = Annotated[str, BeforeValidator(_customer_type)]
Metadata = Annotated[dict[str, JsonValue], BeforeValidator(metadata)]
CreditLimit = Annotated[Decimal, BeforeValidator(checks.credit_limit), _as_text]
Price = Annotated[Decimal, BeforeValidator(lambda v: checks.amount(v, places=6)), _as_text]
Quantity = Annotated[Decimal, BeforeValidator(lambda v: checks.amount(v, digits=12, places=6)), _as_text]


class Input(Body):
    """A body or a part of one: unknown fields are refused, nothing changes once it is read."""

    model_config = ConfigDict(strict=False, allow_inf_nan=False)

    def dump(self) -> dict[str, JsonValue]:
        """The JSON form with the fields that were given, null where null was given."""
        return self.model_dump(mode="json", exclude_unset=True)


class AddressType(StrEnum):
    """What an address is for."""

    BILLING = "billing"
    SHIPPING = "shipping"


class Address(Input):
    """A postal address. `country` is ISO 3166-1 alpha-2."""

    type: AddressType
    lines: list[Line] = Field(min_length=1, max_length=10)
    city: Line
    region: Line | None = None
    postal_code: PostalCode | None = None
    country: Country


class Contact(Input):
    """A person at the customer's."""

    name: Line
    email: Email | None = None
    phone: Phone | None = None
    role: Line | None = None


class _Ranged(Input):
    effective_from: IsoDate | None = None
    effective_to: IsoDate | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.effective_from and self.effective_to and self.effective_to < self.effective_from:
            raise checks.invalid("EFFECTIVE_RANGE_INVALID", "effective_to lies before effective_from.")
        return self


class PricingTier(_Ranged):
    """The customer's own price of one item: between two quantities and two days, ends included, open where null.

    `price` is a decimal per unit in `currency_code`, else in the customer's currency.
    """

    item: Code
    price: Price
    currency_code: CurrencyCode | None = None
    min_quantity: Quantity | None = None
    max_quantity: Quantity | None = None

    @model_validator(mode="after")
    def _band(self) -> Self:
        if self.min_quantity is not None and self.max_quantity is not None and self.max_quantity < self.min_quantity:
            raise checks.invalid("QUANTITY_RANGE_INVALID", "max_quantity is below min_quantity.")
        return self


class TaxProfile(_Ranged):
    """An exemption or special treatment: a tax code, its certificate, when it holds and when the certificate expires."""

    tax_code: Code
    certificate_number: Code | None = None
    certificate_expires_on: IsoDate | None = None


class Dimension(Input):
    """An analytical tag: the type's name ("department") and the value's code ("SALES")."""

    type: Code
    code: Code


class PaysFor(Input):
    """Another customer whose invoices this one pays, from one day to another, ends included, open where null."""

    customer_id: Code
    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise checks.invalid("EFFECTIVE_RANGE_INVALID", "valid_until lies before valid_from.")
        return self


class OverrideFields(Input):
    """What a legal entity may see differently; null or absent: as the master says."""

    credit_limit: CreditLimit | None = None
    credit_limit_currency: CurrencyCode | None = None
    payment_terms: Code | None = None
    currency_code: CurrencyCode | None = None
    tax_code: Code | None = None
    revenue_account: Code | None = None
    billing_email: Email | None = None
    phone: Phone | None = None
    notes: Notes | None = None
    addresses: list[Address] | None = Field(default=None, max_length=LIST_LIMIT)

    @model_validator(mode="after")
    def _currency_needs_limit(self) -> Self:
        cleared = "credit_limit" in self.model_fields_set and self.credit_limit is None
        if cleared and self.credit_limit_currency is not None:
            raise checks.invalid("FIELD_REQUIRED", "credit_limit_currency goes with a credit_limit.")
        return self


class _Optional(Input):
    phone: Phone | None = None
    website: Website | None = None
    billing_email: Email | None = None
    tax_id: TaxId | None = None
    notes: Notes | None = None
    customer_type: Kind | None = None
    credit_limit: CreditLimit | None = None
    payment_terms: Code | None = None
    currency_code: CurrencyCode | None = None
    tax_code: Code | None = None
    revenue_account: Code | None = None
    metadata: Metadata | None = None


class EntityOverride(OverrideFields):
    """One legal entity's deviations from the master."""

    legal_entity_id: Code


class CreateCustomer(_Optional):
    """`POST /v1/customers`: name, email and legal entity, and anything else in one operation."""

    name: Line
    email: Email
    legal_entity_id: Code
    external_id: ExternalId | None = None
    addresses: list[Address] = Field(default_factory=list, max_length=LIST_LIMIT)
    pricing_tiers: list[PricingTier] = Field(default_factory=list, max_length=LIST_LIMIT)
    tax_profiles: list[TaxProfile] = Field(default_factory=list, max_length=LIST_LIMIT)
    dimensions: list[Dimension] = Field(default_factory=list, max_length=LIST_LIMIT)
    contacts: list[Contact] = Field(default_factory=list, max_length=LIST_LIMIT)
    pays_for: list[PaysFor] = Field(default_factory=list, max_length=LIST_LIMIT)
    entity_overrides: list[EntityOverride] = Field(default_factory=list, max_length=LIST_LIMIT)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_tiers(self.pricing_tiers)
        check_periods(self.pays_for)
        once([d.type for d in self.dimensions], "A dimension type is given twice.")
        once([o.legal_entity_id for o in self.entity_overrides], "A legal entity's override is given twice.")
        return self


def once(values: list[str], detail: str) -> None:
    """Refuse repeated values: FIELD_DUPLICATE."""
    if len(set(values)) != len(values):
        raise checks.invalid("FIELD_DUPLICATE", detail)


ACTIONS: Final = ("add", "update", "delete")


def action_tag(value: object) -> str:
    """Which of the three forms of a related record this is; the tag is no part of any path in the body."""
    action = value.get("action") if isinstance(value, Mapping) else getattr(value, "action", None)
    return f"action:{action}" if action in ACTIONS else "action:unknown"
