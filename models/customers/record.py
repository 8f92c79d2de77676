"""The customer as one document, the same in every room: what a change is computed on, compared by and shown as.

A record holds the master fields, `status`, and each related list as a mapping by id (overrides by legal entity), so
that a JSON pointer names the same thing before and after: `/addresses/addr_1/city`,
`/entity_overrides/le_uk/credit_limit`.
Decimals are texts, amounts with all of their currency's decimals or none ("9.50", "9"); dates are ISO texts. Nothing
here reads a clock or a database.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from pydantic_core import PydanticCustomError

from models import checks
from models.customers.bodies import CustomerCreate, OverrideFields
from models.customers.patch import CustomerPatch
from models.customers.pricing import check_tiers
from models.errors import FieldError, Refusal
from models.money import amount_text

Record = dict[str, Any]
NewId = Callable[[str], str]

FIELDS: Final = (
    "name",
    "email",
    "legal_entity_id",
    "external_id",
    "phone",
    "website",
    "billing_email",
    "tax_id",
    "notes",
    "customer_type",
    "credit_limit",
    "payment_terms",
    "currency_code",
    "tax_code",
    "revenue_account",
    "metadata",
    "status",
)
"""The master fields in the order in which they are shown."""

OVERRIDABLE: Final = tuple(OverrideFields.model_fields)
"""What a legal entity may see differently."""

LISTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "addresses": ("addr", ("type", "lines", "city", "region", "postal_code", "country")),
    "contacts": ("cont", ("name", "email", "phone", "role")),
    "pricing_tiers": (
        "tier",
        ("item", "price", "currency_code", "min_quantity", "max_quantity", "effective_from", "effective_to"),
    ),
    "tax_profiles": (
        "taxp",
        ("tax_code", "certificate_number", "certificate_expires_on", "effective_from", "effective_to"),
    ),
    "dimensions": ("dim", ("type", "code")),
}
"""Each related list: its ids' prefix and its items' fields."""

_NOT_FOUND: Final = {
    "addresses": "ADDRESS_NOT_FOUND",
    "contacts": "CONTACT_NOT_FOUND",
    "pricing_tiers": "PRICING_TIER_NOT_FOUND",
    "tax_profiles": "TAX_PROFILE_NOT_FOUND",
    "dimensions": "DIMENSION_NOT_FOUND",
}


def created(body: CustomerCreate, new_id: NewId) -> Record:
    """The record that a create asks for. `new_id(prefix)` names the related records."""
    given = body.model_dump(mode="json")
    record: Record = {field: given.get(field) for field in FIELDS} | {"status": "active"}
    record["metadata"] = given.get("metadata") or {}
    for name, (prefix, fields) in LISTS.items():
        record[name] = {new_id(prefix): _item(one, fields) for one in given[name]}
    record["entity_overrides"] = {one["legal_entity_id"]: _override({}, one) for one in given["entity_overrides"]}
    return spelled(record)


def patched(record: Record, patch: CustomerPatch, new_id: NewId) -> Record:
    """The record after an update. Refuses what is not there (404, by its list) and what does not fit together."""
    given = patch.dump()
    after = deepcopy(record)
    for field in FIELDS:
        if field in given:
            after[field] = given[field]
    if "metadata" in given:
        after["metadata"] = given["metadata"] or {}
    for name in LISTS:
        for index, one in enumerate(given.get(name, [])):
            _act(after, name, index, one, new_id)
    for index, one in enumerate(given.get("entity_overrides", [])):
        _act_on_override(after["entity_overrides"], index, one)
    check(after)
    return spelled(after)


def spelled(record: Record) -> Record:
    """The record, its credit limits and prices written as people write amounts of their currencies (in place)."""
    own = record["currency_code"]
    _spell(record, "credit_limit", own)
    for tier in record["pricing_tiers"].values():
        _spell(tier, "price", tier["currency_code"] or own)
    for override in record["entity_overrides"].values():
        _spell(override, "credit_limit", override.get("credit_limit_currency"))
    return record


def _spell(part: dict[str, Any], field: str, currency: str | None) -> None:
    if "." in (part.get(field) or ""):
        part[field] = amount_text(part[field], currency)


def check(record: Record) -> None:
    """The rules between parts of one record: ranges, tiers, one value per dimension type."""
    for name in ("pricing_tiers", "tax_profiles"):
        for one in record[name].values():
            if one["effective_from"] and one["effective_to"] and one["effective_to"] < one["effective_from"]:
                raise _invalid(f"/{name}", "EFFECTIVE_RANGE_INVALID", "effective_to lies before effective_from.")
    for tier in record["pricing_tiers"].values():
        low, high = tier["min_quantity"], tier["max_quantity"]
        if low is not None and high is not None and checks.decimal(high) < checks.decimal(low):
            raise _invalid("/pricing_tiers", "QUANTITY_RANGE_INVALID", "max_quantity is below min_quantity.")
    try:
        check_tiers(record["pricing_tiers"], record["currency_code"])
    except PydanticCustomError as error:
        raise _invalid("/pricing_tiers", error.type, error.message()) from None
    types = [one["type"] for one in record["dimensions"].values()]
    if len(set(types)) != len(types):
        raise _invalid("/dimensions", "FIELD_DUPLICATE", "The customer has a value of this dimension type already.")


def effective(record: Record, legal_entity_id: str, functional: str, owner_functional: str) -> Record:
    """What one legal entity sees: each field's value, and in `overrides` the fields that come from the entity.

    A credit limit without a currency of its own is in the functional currency of the entity that set it.
    """
    override = record["entity_overrides"].get(legal_entity_id, {})
    seen = {k: v for k, v in record.items() if k != "entity_overrides"} | {
        k: v for k, v in override.items() if k != "credit_limit_currency"
    }
    from_entity = sorted(override)
    seen["credit_limit_currency"] = override.get("credit_limit_currency") or (
        functional if "credit_limit" in override else record["currency_code"] or owner_functional
    )
    provenance = {k: "entity" if k in override else "master" for k in (*FIELDS, *LISTS, "credit_limit_currency")}
    return seen | {"overrides": from_entity, "provenance": provenance}


def touched_entities(diff: list[dict[str, Any]]) -> list[str]:
    """The legal entities whose overrides a diff changes: their people approve it."""
    parts = (one["path"].split("/") for one in diff)
    return sorted({p[2] for p in parts if len(p) > 2 and p[1] == "entity_overrides"})


def _item(given: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: given.get(field) for field in fields}


def _act(after: Record, name: str, index: int, one: Mapping[str, Any], new_id: NewId) -> None:
    prefix, fields = LISTS[name]
    items = after[name]
    if one["action"] == "add":
        items[new_id(prefix)] = _item(one, fields)
        return
    item_id = one.get("id") or next((i for i, d in items.items() if d.get("type") == one.get("type")), None)
    if item_id is None or item_id not in items:
        raise _missing(name, index)
    if one["action"] == "delete":
        del items[item_id]
    else:
        changes = {f: one[f] for f in fields if f in one and not (name == "dimensions" and f == "type")}
        items[item_id] = items[item_id] | changes


def _act_on_override(overrides: dict[str, Any], index: int, one: Mapping[str, Any]) -> None:
    entity = one["legal_entity_id"]
    if one["action"] == "add":
        if entity in overrides:
            loc = f"/entity_overrides/{index}/legal_entity_id"
            raise _invalid(loc, "FIELD_DUPLICATE", "This entity has an override already: update it.")
        overrides[entity] = _override({}, one)
    elif entity not in overrides:
        raise _missing("entity_overrides", index)
    elif one["action"] == "delete":
        del overrides[entity]
    else:
        overrides[entity] = _override(overrides[entity], one)


def _override(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Only what differs from the master is kept: a null gives the field back to it."""
    after = dict(before)
    for field in OVERRIDABLE:
        if field in given:
            value = given[field]
            after[field] = [_item(a, LISTS["addresses"][1]) for a in value] if field == "addresses" and value else value
    if after.get("credit_limit") is None:
        after.pop("credit_limit_currency", None)
    return {k: v for k, v in after.items() if v is not None}


def _missing(name: str, index: int) -> Refusal:
    code = _NOT_FOUND.get(name, "ENTITY_OVERRIDE_NOT_FOUND")
    detail = "The customer has no such related record."
    return Refusal(code, detail, errors=[FieldError(f"/{name}/{index}", code, detail)])


def _invalid(loc: str, code: str, detail: str) -> Refusal:
    return Refusal("VALIDATION_FAILED", detail, errors=[FieldError(loc, code, detail)])
