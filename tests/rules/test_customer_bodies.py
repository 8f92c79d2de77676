"""What the body of a create or of an update alone decides: with which code, where, and in which words."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.customers.bodies import Address, CreateCustomer, CustomerType, action_tag
from models.customers.patch import AddAddress, PatchCustomer
from tests.rules.refusals import refused
from tests.rules.test_customer_refusals import change, made, with_item

BODY = {"name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us"}
HULL = {"type": "billing", "lines": ["9 Quay"], "city": "Hull", "country": "GB"}
DAYS = {"effective_from": "2026-01-02", "effective_to": "2026-01-01"}
LATE = {"customer_id": "cust_2", "valid_from": "2026-01-02", "valid_until": "2026-01-01"}


def faults(kind: type[CreateCustomer] | type[PatchCustomer], given: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as no:
        kind.model_validate(given)
    return [(e["type"], e["msg"]) for e in no.value.errors()]


@pytest.mark.parametrize(("fields", "code", "said"), [
    ({"dimensions": [{"type": "T", "code": "1"}, {"type": "T", "code": "2"}]}, "FIELD_DUPLICATE",
     "A dimension type is given twice."),
    ({"entity_overrides": [{"legal_entity_id": "le_uk"}] * 2}, "FIELD_DUPLICATE", "A legal entity's override is given twice."),
    ({"pays_for": [LATE]}, "EFFECTIVE_RANGE_INVALID", "valid_until lies before valid_from."),
    ({"pays_for": [LATE | {"valid_from": None}] * 2}, "PAYS_FOR_OVERLAP", "pays_for names one customer twice on the same day."),
    ({"tax_profiles": [{"tax_code": "X"} | DAYS]}, "EFFECTIVE_RANGE_INVALID", "effective_to lies before effective_from."),
    ({"pricing_tiers": [{"item": "X", "price": 1} | DAYS]}, "EFFECTIVE_RANGE_INVALID",
     "effective_to lies before effective_from."),
    ({"pricing_tiers": [{"item": "X", "price": 1, "min_quantity": 2, "max_quantity": 1}]}, "QUANTITY_RANGE_INVALID",
     "max_quantity is below min_quantity."),
    ({"entity_overrides": [{"legal_entity_id": "le_uk", "credit_limit": None, "credit_limit_currency": "EUR"}]}, "FIELD_REQUIRED",
     "credit_limit_currency goes with a credit_limit."),
    ({"customer_type": "x"}, "CUSTOMER_TYPE_INVALID", f"One of: {', '.join(CustomerType)}."),
    ({"customer_type": 5}, "CUSTOMER_TYPE_INVALID", f"One of: {', '.join(CustomerType)}."),
])  # fmt: skip
def test_a_create_that_contradicts_itself_is_refused(fields: dict[str, Any], code: str, said: str) -> None:
    assert faults(CreateCustomer, BODY | fields) == [(code, said)]


@pytest.mark.parametrize("fields", [
    {"dimensions": [{"type": "T", "code": "1"}, {"type": "U", "code": "1"}]}, {"customer_type": "retail"},
    {"entity_overrides": [{"legal_entity_id": "le_uk", "credit_limit_currency": "EUR"}]},
    {"entity_overrides": [{"legal_entity_id": "le_uk", "credit_limit": "5", "credit_limit_currency": "EUR"}]},
    {"entity_overrides": [{"legal_entity_id": "le_uk", "credit_limit": None}]},
    {"pays_for": [LATE | {"valid_until": "2026-01-02"}]}, {"pays_for": [LATE | {"valid_from": None}]},
    {"pays_for": [LATE | {"valid_until": None}]},
])  # fmt: skip
def test_a_create_that_does_not_is_read_as_it_was_given(fields: dict[str, Any]) -> None:
    assert CreateCustomer.model_validate(BODY | fields).dump() == BODY | fields


@pytest.mark.parametrize(("given", "code", "said"), [
    ({}, "FIELD_REQUIRED", "At least one field to change is required."),
    ({"name": None}, "FIELD_REQUIRED", "Required: may be left out, not cleared."),
    ({"addresses": [{"action": "update", "id": "a", "city": None}]}, "FIELD_REQUIRED", "Required: may be left out, not cleared."),
    ({"dimensions": [{"action": "delete"}]}, "FIELD_REQUIRED", "The dimension's id or its type is required."),
    ({"dimensions": [{"action": "update", "code": "1"}]}, "FIELD_REQUIRED", "The dimension's id or its type is required."),
    *(({name: [{"action": "delete", "id": "a"}] * 2}, "FIELD_DUPLICATE", "A related record is named twice.")
      for name in ("addresses", "contacts", "pricing_tiers", "tax_profiles", "pays_for")),
    ({"entity_overrides": [{"action": "delete", "legal_entity_id": "le_uk"}] * 2}, "FIELD_DUPLICATE",
     "A legal entity's override is named twice."),
])  # fmt: skip
def test_an_update_that_contradicts_itself_is_refused(given: dict[str, Any], code: str, said: str) -> None:
    assert faults(PatchCustomer, given) == [(code, said)]


def test_an_update_may_name_a_dimension_either_way_and_add_what_it_deletes() -> None:
    for dimension in (
        {"action": "delete", "id": "d"},
        {"action": "delete", "type": "T"},
        {"action": "update", "type": "T", "code": "1"},
    ):
        assert PatchCustomer.model_validate({"dimensions": [dimension]}).dump() == {"dimensions": [dimension]}
    both = {"addresses": [{"action": "delete", "id": "a"}, {"action": "add", **HULL}, {"action": "add", **HULL}]}
    assert PatchCustomer.model_validate(both).dump() == both


def test_a_form_is_known_by_its_action_and_no_other() -> None:
    address = AddAddress.model_validate({"action": "add", **HULL})
    assert [action_tag(v) for v in ({"action": "update"}, {"action": "paint"}, {}, None, address)] == [
        "action:update", "action:unknown", "action:unknown", "action:unknown", "action:add",
    ]  # fmt: skip
    assert action_tag(Address.model_validate(HULL)) == "action:unknown"
    with pytest.raises(ValidationError) as no:
        PatchCustomer.model_validate({"addresses": [{"action": "paint", "city": "Hull"}, {"city": "Hull"}]})
    assert [(e["loc"][1], e["loc"][-1], e["type"]) for e in no.value.errors()] == [
        (0, "action", "literal_error"), (1, "action", "missing"),
    ]  # fmt: skip


def test_metadata_is_replaced_whole_and_cleared_to_nothing() -> None:
    record = made(metadata={"a": 1})
    assert change(record, name="B").metadata == {"a": 1}
    assert change(record, metadata={"b": 2}).metadata == {"b": 2}
    assert change(record, metadata=None).metadata == {}
    paying = with_item(made(pays_for=[LATE | {"valid_from": None}]), "pays_for", valid_from="2025-01-01")
    ((entry, _),) = paying.pays_for.items()
    with refused("VALIDATION_FAILED", "/pays_for", "EFFECTIVE_RANGE_INVALID") as no:
        change(paying, pays_for=[{"action": "update", "id": entry, "valid_until": "2024-12-31"}])
    assert no[0].detail == "valid_until lies before valid_from."
