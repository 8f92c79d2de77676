"""A customer created, changed and seen by one of its legal entities. Nothing here reads a clock or a database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, TypeVar

from pydantic import JsonValue
from pydantic_core import PydanticCustomError

from models.answers import JsonObject, read_row
from models.customers.bodies import CreateCustomer, Input
from models.customers.diff import item_json, override_json
from models.customers.patch import DeleteOverride, OverrideAction, PatchCustomer, UnknownAction
from models.customers.paying import check_periods
from models.customers.pricing import check_tiers
from models.customers.records import (
    FIELDS,
    ID_PREFIXES,
    OVERRIDABLE,
    RELATED,
    AddressRecord,
    ContactRecord,
    CustomerDetails,
    DimensionRecord,
    OverrideRecord,
    PaysForRecord,
    PricingTierRecord,
    RelatedRecords,
    TaxProfileRecord,
)
from models.errors import FieldError, Refusal
from models.facts import Record
from models.master_data.records import CustomerStatus
from models.money import amount_text

R = TypeVar("R", bound=Record)
NewId = Callable[[str], str]
"""Makes the id of a new related record from its prefix."""
Source = Literal["entity", "master"]

_NOT_FOUND: Final = {
    "addresses": "ADDRESS_NOT_FOUND",
    "contacts": "CONTACT_NOT_FOUND",
    "pricing_tiers": "PRICING_TIER_NOT_FOUND",
    "tax_profiles": "TAX_PROFILE_NOT_FOUND",
    "dimensions": "DIMENSION_NOT_FOUND",
    "pays_for": "PAYS_FOR_NOT_FOUND",
}


def created(body: CreateCustomer, new_id: NewId) -> CustomerDetails:
    """The customer that a create asks for. `new_id(prefix)` names the related records."""
    given = body.model_dump(mode="json")
    related = {name: {new_id(prefix): one for one in given[name]} for name, prefix in ID_PREFIXES.items()}
    overrides = {o.legal_entity_id: _override(OverrideRecord(), o.dump()) for o in body.entity_overrides}
    more = {"metadata": given["metadata"] or {}, "status": CustomerStatus.ACTIVE, "entity_overrides": overrides}
    return spelled(read_row(CustomerDetails, given | related | more))


def patched(before: CustomerDetails, patch: PatchCustomer, new_id: NewId) -> CustomerDetails:
    """The customer after an update. Refuses what is not there (404, by its list) and what does not fit together."""
    given = patch.dump()
    after = {name: getattr(before, name) for name in FIELDS} | {f: v for f, v in given.items() if f in FIELDS}
    related = {
        "addresses": _acted(before.addresses, AddressRecord, "addresses", patch.addresses, new_id),
        "contacts": _acted(before.contacts, ContactRecord, "contacts", patch.contacts, new_id),
        "pricing_tiers": _acted(before.pricing_tiers, PricingTierRecord, "pricing_tiers", patch.pricing_tiers, new_id),
        "tax_profiles": _acted(before.tax_profiles, TaxProfileRecord, "tax_profiles", patch.tax_profiles, new_id),
        "dimensions": _acted(before.dimensions, DimensionRecord, "dimensions", patch.dimensions, new_id),
        "pays_for": _acted(before.pays_for, PaysForRecord, "pays_for", patch.pays_for, new_id),
    }
    overrides = dict(before.entity_overrides)
    for index, one in enumerate(patch.entity_overrides):
        _act_on_override(overrides, index, one)
    more = {"metadata": after["metadata"] or {}, "entity_overrides": overrides}
    changed = read_row(CustomerDetails, after | related | more)
    check(changed)
    return spelled(changed)


def spelled(customer: CustomerDetails) -> CustomerDetails:
    """The customer, its credit limits and prices written as people write amounts of their currencies."""
    own = customer.currency_code
    return replace(
        customer,
        credit_limit=spelled_amount(customer.credit_limit, own),
        pricing_tiers={
            i: replace(t, price=spelled_amount(t.price, t.currency_code or own))
            for i, t in customer.pricing_tiers.items()
        },
        entity_overrides={
            e: replace(o, credit_limit=spelled_amount(o.credit_limit, o.credit_limit_currency))
            for e, o in customer.entity_overrides.items()
        },
    )


A = TypeVar("A", Decimal, Decimal | None)


def spelled_amount(amount: A, currency_code: str | None) -> A:
    """The amount with all of its currency's decimals or none: 9.50, 9."""
    return amount if amount is None else Decimal(amount_text(amount, currency_code))


def check(customer: CustomerDetails) -> None:
    """The rules between parts of one customer: ranges, tiers, one value per dimension type."""
    check_related(customer, customer.currency_code)


def check_related(customer: CustomerDetails | RelatedRecords, currency_code: str | None) -> None:
    """As `check`, of what belongs to a customer with this currency."""
    ranged = [("pricing_tiers", t.effective_from, t.effective_to) for t in customer.pricing_tiers.values()]
    ranged += [("tax_profiles", t.effective_from, t.effective_to) for t in customer.tax_profiles.values()]
    for name, first, last in ranged:
        if first and last and last < first:
            raise _invalid(f"/{name}", "EFFECTIVE_RANGE_INVALID", "effective_to lies before effective_from.")
    for tier in customer.pricing_tiers.values():
        if tier.min_quantity is not None and tier.max_quantity is not None and tier.max_quantity < tier.min_quantity:
            raise _invalid("/pricing_tiers", "QUANTITY_RANGE_INVALID", "max_quantity is below min_quantity.")
    for paying in customer.pays_for.values():
        if paying.valid_from and paying.valid_until and paying.valid_until < paying.valid_from:
            raise _invalid("/pays_for", "EFFECTIVE_RANGE_INVALID", "valid_until lies before valid_from.")
    _placed("/pricing_tiers", lambda: check_tiers(customer.pricing_tiers.values(), currency_code))
    _placed("/pays_for", lambda: check_periods(customer.pays_for.values()))
    types = [one.type for one in customer.dimensions.values()]
    if len(set(types)) != len(types):
        raise _invalid("/dimensions", "FIELD_DUPLICATE", "The customer has a value of this dimension type already.")


def _placed(loc: str, rule: Callable[[], None]) -> None:
    """A rule of one list, its refusal with the list's place."""
    try:
        rule()
    except PydanticCustomError as error:
        raise _invalid(loc, error.type, error.message()) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityView:
    """What one legal entity sees of a customer. `overrides`: the fields that are the entity's own."""

    legal_entity_id: str
    details: CustomerDetails
    addresses: Sequence[AddressRecord] | None
    """The entity's own; None: those of the master."""
    credit_limit_currency: str
    overrides: Sequence[str]

    @property
    def provenance(self) -> dict[str, Source]:
        """Of each field whether its value is the entity's or the master's."""
        shown = (*FIELDS, *RELATED, "credit_limit_currency")
        return {name: "entity" if name in self.overrides else "master" for name in shown}


def seen_by(customer: CustomerDetails, legal_entity_id: str, functional: str, owner_functional: str) -> EntityView:
    """What one legal entity sees: the master with the entity's override over it.

    A credit limit without a currency of its own is in the functional currency of the entity that set it.
    """
    override = customer.entity_overrides.get(legal_entity_id, OverrideRecord())
    own = {name: getattr(override, name) for name in override.differing if name in FIELDS}
    inherited = functional if "credit_limit" in own else customer.currency_code or owner_functional
    return EntityView(
        legal_entity_id=legal_entity_id,
        details=replace(customer, **own),
        addresses=override.addresses,
        credit_limit_currency=override.credit_limit_currency or inherited,
        overrides=sorted(override.differing),
    )


def _acted(
    before: Mapping[str, R], kind: type[R], name: str, actions: Sequence[Input], new_id: NewId
) -> Mapping[str, R]:
    """A related list after what is to be added, updated and deleted."""
    after = dict(before)
    for index, one in enumerate(actions):
        given = one.dump()
        action = given.pop("action")
        if action == "add":
            after[new_id(ID_PREFIXES[name])] = read_row(kind, given)
            continue
        item_id = given.pop("id", None) or _of_type(after, given.get("type"))
        if item_id is None or item_id not in after:
            raise _missing(name, index)
        if action == "delete":
            del after[item_id]
        else:
            if name == "dimensions":  # its type only names it
                given.pop("type", None)
            after[item_id] = read_row(kind, item_json(after[item_id]) | given)
    return after


def _of_type(items: Mapping[str, object], type_: JsonValue) -> str | None:
    """The dimension of this type."""
    return next((i for i, d in items.items() if isinstance(d, DimensionRecord) and d.type == type_), None)


def _act_on_override(overrides: dict[str, OverrideRecord], index: int, one: OverrideAction) -> None:
    if isinstance(one, UnknownAction):  # never valid
        return
    entity = one.legal_entity_id
    if one.action == "add" and entity in overrides:
        loc = f"/entity_overrides/{index}/legal_entity_id"
        raise _invalid(loc, "FIELD_DUPLICATE", "This entity has an override already: update it.")
    if one.action != "add" and entity not in overrides:
        raise _missing("entity_overrides", index)
    if isinstance(one, DeleteOverride):
        del overrides[entity]
    else:
        overrides[entity] = _override(overrides.get(entity, OverrideRecord()), one.dump())


def _override(before: OverrideRecord, given: JsonObject) -> OverrideRecord:
    """Only what differs from the master is kept: a null gives the field back to it."""
    after = override_json(before) | {f: v for f, v in given.items() if f in OVERRIDABLE}
    if after.get("credit_limit") is None:
        after.pop("credit_limit_currency", None)
    return read_row(OverrideRecord, after)


def _missing(name: str, index: int) -> Refusal:
    code = _NOT_FOUND.get(name, "ENTITY_OVERRIDE_NOT_FOUND")
    detail = "The customer has no such related record."
    return Refusal(code, detail, errors=[FieldError(f"/{name}/{index}", code, detail)])


def _invalid(loc: str, code: str, detail: str) -> Refusal:
    return Refusal("VALIDATION_FAILED", detail, errors=[FieldError(loc, code, detail)])
