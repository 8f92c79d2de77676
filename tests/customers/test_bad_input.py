"""Bad input, row by row: refused at the door with the place and the code of each wrong value, leaving nothing behind."""

import json
from typing import Any

from tests.customers.desk import Desk, field_codes, ok, refused
from tests.customers.everything import EVERYTHING


def deep(levels: int) -> dict[str, Any]:
    return {"a": deep(levels - 1)} if levels > 1 else {}


ADDRESS = {"type": "billing", "lines": ["1 High St"], "city": "Leeds", "country": "GB"}
TIER = {"item": "X", "price": 1}
BACKWARDS = {"effective_from": "2026-02-01", "effective_to": "2026-01-31"}
RIGHT_TO_LEFT, ZERO_WIDTH = "\u202e", "\u200b"

# Master fields: value, code. The same for a create and for an update.
FIELDS: list[tuple[str, Any, str]] = [
    ("name", "", "FIELD_REQUIRED"),
    ("name", "x" * 256, "FIELD_LENGTH"),
    ("name", f"Acme{RIGHT_TO_LEFT}cnI", "FIELD_FORMAT"),
    ("name", f"Ac{ZERO_WIDTH}me", "FIELD_FORMAT"),
    ("name", 7, "FIELD_TYPE"),
    ("email", "plain", "EMAIL_INVALID"),
    ("email", '"two"."parts@example.com', "EMAIL_INVALID"),
    ("email", "a@[999.1.1.1]", "EMAIL_INVALID"),
    ("email", "x" * 65 + "@example.com", "EMAIL_INVALID"),
    ("email", "a@" + "b." * 130 + "com", "EMAIL_INVALID"),
    ("email", "a@example.com\r\nBcc: b@example.com", "EMAIL_INVALID"),
    ("email", f"a{ZERO_WIDTH}b@example.com", "EMAIL_INVALID"),
    ("billing_email", "a@example.com, b@example.com", "EMAIL_INVALID"),
    ("credit_limit", "abc", "DECIMAL_INVALID"),
    ("credit_limit", "Infinity", "DECIMAL_INVALID"),
    ("credit_limit", "-0.01", "CREDIT_LIMIT_NEGATIVE"),
    ("credit_limit", "1" * 20, "FIELD_LENGTH"),
    ("credit_limit", 10**19, "FIELD_LENGTH"),
    ("credit_limit", "100.00001", "FIELD_LENGTH"),
    ("credit_limit", True, "FIELD_TYPE"),
    ("customer_type", "huge", "CUSTOMER_TYPE_INVALID"),
    ("currency_code", "XXX", "CURRENCY_INVALID"),
    ("currency_code", "usd", "CURRENCY_INVALID"),
    ("currency_code", "EURO", "CURRENCY_INVALID"),
    ("website", "javascript:alert(1)", "WEBSITE_INVALID"),
    ("phone", "call me", "PHONE_INVALID"),
    ("tax_id", "--", "FIELD_TYPE"),
    ("notes", "x" * 20_001, "FIELD_LENGTH"),
    ("notes", "", "FIELD_REQUIRED"),
    ("notes", "a\x07", "FIELD_FORMAT"),
    ("metadata", deep(21), "METADATA_TOO_DEEP"),
    ("metadata", {"a": "x" * 65_536}, "METADATA_TOO_LARGE"),
    ("metadata", [], "FIELD_TYPE"),
    ("surprise", 1, "FIELD_UNKNOWN"),
]

# Related records: list, item, place below the item, code. For an update the same with the action `add`.
ITEMS: list[tuple[str, dict[str, Any], str, str]] = [
    ("addresses", ADDRESS | {"type": "home"}, "/type", "FIELD_CHOICE"),
    ("addresses", ADDRESS | {"country": "UK"}, "/country", "COUNTRY_INVALID"),
    ("addresses", ADDRESS | {"lines": []}, "/lines", "FIELD_LENGTH"),
    ("pricing_tiers", TIER | {"price": -1}, "/price", "FIELD_RANGE"),
    ("pricing_tiers", TIER | {"min_quantity": 5, "max_quantity": 4}, "", "QUANTITY_RANGE_INVALID"),
    ("pricing_tiers", TIER | BACKWARDS, "", "EFFECTIVE_RANGE_INVALID"),
    ("pricing_tiers", TIER | {"effective_from": "2026-02-30"}, "/effective_from", "DATE_INVALID"),
    ("tax_profiles", {"tax_code": "E", "effective_to": "3000-01-01"}, "/effective_to", "FIELD_RANGE"),
    ("tax_profiles", {"tax_code": "E"} | BACKWARDS, "", "EFFECTIVE_RANGE_INVALID"),
    ("contacts", {"name": "x" * 256}, "/name", "FIELD_LENGTH"),
    ("contacts", {"name": "A", "email": "no"}, "/email", "EMAIL_INVALID"),
    ("entity_overrides", {"legal_entity_id": "le_uk", "credit_limit": -1}, "/credit_limit", "CREDIT_LIMIT_NEGATIVE"),
]  # fmt: skip

# What needs a look at the records: body, status, code.
UNKNOWN: list[tuple[dict[str, Any], int, str]] = [
    ({"payment_terms": "NET99"}, 422, "PAYMENT_TERMS_UNKNOWN"),
    ({"revenue_account": "cash"}, 422, "ACCOUNT_UNKNOWN"),
    ({"revenue_account": "nowhere"}, 422, "ACCOUNT_UNKNOWN"),
    ({"dimensions": [{"type": "department", "code": "NOWHERE"}]}, 422, "DIMENSION_UNKNOWN"),
    ({"entity_overrides": [{"legal_entity_id": "le_no", "credit_limit": 1}]}, 404, "LEGAL_ENTITY_NOT_FOUND"),
    ({"entity_overrides": [{"legal_entity_id": "le_uk", "payment_terms": "NET99"}]}, 422, "PAYMENT_TERMS_UNKNOWN"),
    ({"entity_overrides": [{"legal_entity_id": "le_uk", "revenue_account": "cash"}]}, 422, "ACCOUNT_UNKNOWN"),
]

RELATED: dict[str, tuple[dict[str, Any], str]] = {
    "addresses": ({"city": "X"}, "ADDRESS_NOT_FOUND"),
    "contacts": ({"name": "X"}, "CONTACT_NOT_FOUND"),
    "pricing_tiers": ({"price": 1}, "PRICING_TIER_NOT_FOUND"),
    "tax_profiles": ({"tax_code": "X"}, "TAX_PROFILE_NOT_FOUND"),
    "dimensions": ({"code": "X"}, "DIMENSION_NOT_FOUND"),
}


def as_added(body: dict[str, Any]) -> dict[str, Any]:
    """A create's related lists as an update adds them."""
    return {k: [{"action": "add"} | i for i in v] if isinstance(v, list) else v for k, v in body.items()}


def changes(desk: Desk) -> list[str]:
    return [c["id"] for c in ok(desk("u_clerk").get("/v1/customer-changes?limit=200"))["items"]]


def test_each_bad_value_is_named_at_its_place_and_leaves_nothing(own_desk: Desk):
    desk, clerk = own_desk, own_desk("u_clerk")
    url = f"/v1/customers/{desk.customer()}"
    before = changes(desk)
    for field, value, code in FIELDS:
        said = field_codes(clerk.post("/v1/customers", json=desk.body() | {field: value}))
        assert said == {f"/{field}": code}, (field, value)
        assert field_codes(clerk.patch(url, json={field: value})) == {f"/{field}": code}, (field, value)
    for name, item, place, code in ITEMS:
        wanted = {f"/{name}/0{place}": code}
        assert field_codes(clerk.post("/v1/customers", json=desk.body() | {name: [item]})) == wanted, item
        assert field_codes(clerk.patch(url, json={name: [{"action": "add"} | item]})) == wanted, item
    for body, status, code in UNKNOWN:
        refused(clerk.post("/v1/customers", json=desk.body() | body), status, code)
        refused(clerk.patch(url, json=as_added(body)), status, code)
    refused(clerk.post("/v1/customers", json=desk.body() | {"legal_entity_id": "le_no"}), 404, "LEGAL_ENTITY_NOT_FOUND")
    assert changes(desk) == before


def test_numbers_that_json_does_not_know_are_refused(desk: Desk):
    headers = {"Content-Type": "application/json"}
    for number in ("NaN", "Infinity", "-Infinity", "1e400"):
        raw = json.dumps(desk.body() | {"credit_limit": 0}).replace('"credit_limit": 0', f'"credit_limit": {number}')
        refused(desk("u_clerk").post("/v1/customers", content=raw, headers=headers), 422, "VALIDATION_FAILED")


def test_tiers_of_one_item_do_not_overlap_whoever_adds_them(desk: Desk):
    clerk, overlap = desk("u_clerk"), {"/": "PRICING_TIERS_OVERLAP", "/pricing_tiers": "PRICING_TIERS_OVERLAP"}
    one, other = TIER | {"max_quantity": 10}, TIER | {"min_quantity": 10}
    said = field_codes(clerk.post("/v1/customers", json=desk.body(pricing_tiers=[one, other])))
    assert set(said.values()) == set(overlap.values())
    customer = desk.customer(pricing_tiers=[one, TIER | {"min_quantity": 11}])
    first, second = (t["id"] for t in desk.read(customer)["pricing_tiers"])
    for action in (
        {"action": "add", "item": "X", "price": 2, "min_quantity": 10, "max_quantity": 10},
        {"action": "update", "id": first, "max_quantity": 11},
        {"action": "update", "id": second, "min_quantity": None},
    ):
        said = field_codes(clerk.patch(f"/v1/customers/{customer}", json={"pricing_tiers": [action]}))
        assert said == {"/pricing_tiers": "PRICING_TIERS_OVERLAP"}, action
    apart = {"action": "add", "item": "X", "price": 2, "min_quantity": 10, "max_quantity": 10, "currency_code": "EUR"}
    ok(clerk.patch(f"/v1/customers/{customer}", json={"pricing_tiers": [apart]}), 202)


def test_a_related_record_that_is_not_there_or_another_customers_is_not_found(own_desk: Desk):
    desk, clerk = own_desk, own_desk("u_clerk")
    ok(desk("u_controller").post("/v1/dimensions", json={"type": "department", "code": "X", "name": "X"}), 201)
    tagged = {"dimensions": [{"type": "department", "code": "X"}]}
    mine, other = desk.customer(), desk.read(desk.customer(**EVERYTHING | tagged))
    for name, (fields, code) in RELATED.items():
        for item_id in (other[name][0]["id"], "addr_01m81c38y0e1vbc2tepwa5rpyv", "x"):
            for item in ({"action": "delete", "id": item_id}, {"action": "update", "id": item_id} | fields):
                answer = refused(clerk.patch(f"/v1/customers/{mine}", json={name: [item]}), 404, code)
                assert [e["loc"] for e in answer["errors"]] == [f"/{name}/0"]
    for action in ("update", "delete"):
        item = {"action": action, "legal_entity_id": "le_uk"} | (
            {"payment_terms": "NET30"} if action == "update" else {}
        )
        body = {"entity_overrides": [item]}
        refused(clerk.patch(f"/v1/customers/{mine}", json=body), 404, "ENTITY_OVERRIDE_NOT_FOUND")
