"""`PATCH /v1/customers/{id}`: absent is unchanged, null is cleared; related records by add, update or delete."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from models import checks
from models.customers.bodies import (
    LIST_LIMIT,
    Address,
    AddressType,
    Contact,
    Country,
    Dimension,
    Email,
    EntityOverride,
    Input,
    PaysFor,
    Phone,
    PostalCode,
    Price,
    PricingTier,
    Quantity,
    TaxProfile,
    _Optional,
    action_tag,
    once,
)
from models.values import Code, CurrencyCode, IsoDate, Line


def _given(value: object) -> object:
    if value is None:
        raise checks.invalid("FIELD_REQUIRED", "Required: may be left out, not cleared.")
    return value


_Given = BeforeValidator(_given)
"""A required field may be left out of an update, never cleared with null."""


class UpdateRelatedRecord(Input):
    """What changes of a related record: absent is unchanged, null is cleared."""

    action: Literal["update"]
    id: Code


class DeleteRelatedRecord(Input):
    """A related record that goes."""

    action: Literal["delete"]
    id: Code


class AddAddress(Address):
    action: Literal["add"]


class UpdateAddress(UpdateRelatedRecord):
    type: Annotated[AddressType | None, _Given] = None
    lines: Annotated[list[Line] | None, _Given] = Field(default=None, min_length=1, max_length=10)
    city: Annotated[Line | None, _Given] = None
    region: Line | None = None
    postal_code: PostalCode | None = None
    country: Annotated[Country | None, _Given] = None


class AddContact(Contact):
    action: Literal["add"]


class UpdateContact(UpdateRelatedRecord):
    name: Annotated[Line | None, _Given] = None
    email: Email | None = None
    phone: Phone | None = None
    role: Line | None = None


class AddPricingTier(PricingTier):
    action: Literal["add"]


class UpdatePricingTier(UpdateRelatedRecord):
    item: Annotated[Code | None, _Given] = None
    price: Annotated[Price | None, _Given] = None
    currency_code: CurrencyCode | None = None
    min_quantity: Quantity | None = None
    max_quantity: Quantity | None = None
    effective_from: IsoDate | None = None
    effective_to: IsoDate | None = None


class AddTaxProfile(TaxProfile):
    action: Literal["add"]


class UpdateTaxProfile(UpdateRelatedRecord):
    tax_code: Annotated[Code | None, _Given] = None
    certificate_number: Code | None = None
    certificate_expires_on: IsoDate | None = None
    effective_from: IsoDate | None = None
    effective_to: IsoDate | None = None


class AddDimension(Dimension):
    action: Literal["add"]


class _ByType(Input):
    """A dimension is named by its id, or by its type, of which a customer has one value."""

    id: Code | None = None
    type: Code | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.type is None:
            raise checks.invalid("FIELD_REQUIRED", "The dimension's id or its type is required.")
        return self


class UpdateDimension(_ByType):
    action: Literal["update"]
    code: Code


class DeleteDimension(_ByType):
    action: Literal["delete"]


class AddPaysFor(PaysFor):
    action: Literal["add"]


class UpdatePaysFor(UpdateRelatedRecord):
    """When it holds changes; for another customer there is another entry."""

    valid_from: IsoDate | None = None
    valid_until: IsoDate | None = None


class AddOverride(EntityOverride):
    action: Literal["add"]


class UpdateOverride(EntityOverride):
    action: Literal["update"]


class DeleteOverride(Input):
    action: Literal["delete"]
    legal_entity_id: Code


class UnknownAction(Input):
    """Never valid: gives an unknown or missing action its place in the errors."""

    action: Literal["add", "update", "delete"]

    @model_validator(mode="before")
    @classmethod
    def _only_the_action_matters(cls, value: object) -> object:
        return {"action": value["action"]} if isinstance(value, dict) and "action" in value else {}


_Unknown = Annotated[UnknownAction, Tag("action:unknown")]
_Gone = Annotated[DeleteRelatedRecord, Tag("action:delete")]
AddressAction = Annotated[
    Annotated[AddAddress, Tag("action:add")] | Annotated[UpdateAddress, Tag("action:update")] | _Gone | _Unknown,
    Discriminator(action_tag),
]
ContactAction = Annotated[
    Annotated[AddContact, Tag("action:add")] | Annotated[UpdateContact, Tag("action:update")] | _Gone | _Unknown,
    Discriminator(action_tag),
]
PricingTierAction = Annotated[
    Annotated[AddPricingTier, Tag("action:add")]
    | Annotated[UpdatePricingTier, Tag("action:update")]
    | _Gone
    | _Unknown,
    Discriminator(action_tag),
]
TaxProfileAction = Annotated[
    Annotated[AddTaxProfile, Tag("action:add")] | Annotated[UpdateTaxProfile, Tag("action:update")] | _Gone | _Unknown,
    Discriminator(action_tag),
]
DimensionAction = Annotated[
    Annotated[AddDimension, Tag("action:add")]
    | Annotated[UpdateDimension, Tag("action:update")]
    | Annotated[DeleteDimension, Tag("action:delete")]
    | _Unknown,
    Discriminator(action_tag),
]
PaysForAction = Annotated[
    Annotated[AddPaysFor, Tag("action:add")] | Annotated[UpdatePaysFor, Tag("action:update")] | _Gone | _Unknown,
    Discriminator(action_tag),
]
OverrideAction = Annotated[
    Annotated[AddOverride, Tag("action:add")]
    | Annotated[UpdateOverride, Tag("action:update")]
    | Annotated[DeleteOverride, Tag("action:delete")]
    | _Unknown,
    Discriminator(action_tag),
]


class PatchCustomer(_Optional):
    """The changes of one update. Metadata is replaced whole; legal entity and external id never change."""

    name: Annotated[Line | None, _Given] = None
    email: Annotated[Email | None, _Given] = None
    addresses: list[AddressAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    contacts: list[ContactAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    pricing_tiers: list[PricingTierAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    tax_profiles: list[TaxProfileAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    dimensions: list[DimensionAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    pays_for: list[PaysForAction] = Field(default_factory=list, max_length=LIST_LIMIT)
    entity_overrides: list[OverrideAction] = Field(default_factory=list, max_length=LIST_LIMIT)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise checks.invalid("FIELD_REQUIRED", "At least one field to change is required.")
        for items in (self.addresses, self.contacts, self.pricing_tiers, self.tax_profiles, self.pays_for):
            once(
                [i.id for i in items if isinstance(i, UpdateRelatedRecord | DeleteRelatedRecord)],
                "A related record is named twice.",
            )
        overridden = [o.legal_entity_id for o in self.entity_overrides if not isinstance(o, UnknownAction)]
        once(overridden, "A legal entity's override is named twice.")
        return self
