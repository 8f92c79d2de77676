"""What the body alone decides about a customer's values, edge by edge."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from models import checks
from models.customers.bodies import CreateCustomer
from models.customers.metadata import metadata
from models.customers.patch import PatchCustomer
from models.money import plain_text

LEAST = {"name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us"}


def codes(model, body) -> set[tuple[str, str]]:
    with pytest.raises(ValidationError) as e:
        model.model_validate(body)
    return {
        ("/".join(str(p) for p in x["loc"] if not str(p).startswith("action:")), x["type"]) for x in e.value.errors()
    }


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "first.last+tag@sub.example.co.uk",
        '"quoted local"@example.com',
        '"with@at"@example.com',
        "user@[192.0.2.1]",
        "user@[IPv6:2001:db8::1]",
        "o'brien@example.com",
        "δοκιμή@παράδειγμα.example.com",
        "a@x.test",
        "x" * 64 + "@example.com",
    ],
)
def test_addresses_that_rfc_5322_allows(address):
    assert checks.email(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "plain",
        "@example.com",
        "a@",
        "a@b@c.com",
        "a b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@-x.com",
        "a@x..com",
        "a@localhost",
        "Name <a@example.com>",
        "a(comment)@example.com",
        "a@example.com\r\nBcc: x@y.com",
        "a@example.com\n",
        " a@example.com",
        '"a\r\nb"@example.com',
        "a@[999.1.1.1]",
        "x" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        "a\x00@example.com",
        "a@example.com,b@example.com",
        "a\u2028@example.com",
    ],
)
def test_addresses_that_are_refused(address):
    with pytest.raises(PydanticCustomError) as e:
        checks.email(address)
    assert e.value.type == "EMAIL_INVALID"


@pytest.mark.parametrize(
    "name", ["A", "x" * 255, "مؤسسة الخليج", 'חברה בע"מ', "क्‍ष", "株式会社", "O'Neil & Søn; DROP TABLE"]
)
def test_names_in_any_script(name):
    assert checks.line(name) == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "FIELD_REQUIRED"),
        ("   ", "FIELD_REQUIRED"),
        ("\u200d\u200c", "FIELD_REQUIRED"),
        ("x" * 256, "FIELD_LENGTH"),
        ("Acme\u200b", "FIELD_FORMAT"),
        ("\u202eemcA", "FIELD_FORMAT"),
        ("Ac\x00me", "FIELD_FORMAT"),
        ("Ac\nme", "FIELD_FORMAT"),
        ("Ac\ud800me", "FIELD_FORMAT"),
    ],
)
def test_names_that_are_refused(name, code):
    with pytest.raises(PydanticCustomError) as e:
        checks.line(name)
    assert e.value.type == code


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("0", "0"),
        (0, "0"),
        ("-0", "0"),
        ("100000.50", "100000.5"),
        (80000, "80000"),
        (Decimal("0.1"), "0.1"),
        (Decimal("1e5"), "100000"),
        ("9" * 15, "9" * 15),
    ],
)
def test_credit_limits_are_kept_as_texts(given, stored):
    assert plain_text(checks.credit_limit(given)) == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("NaN", "DECIMAL_INVALID"),
        (Decimal("NaN"), "DECIMAL_INVALID"),
        ("Infinity", "DECIMAL_INVALID"),
        (Decimal("Infinity"), "DECIMAL_INVALID"),
        (0.1, "FIELD_TYPE"),
        ("-1", "CREDIT_LIMIT_NEGATIVE"),
        (Decimal("-0.01"), "CREDIT_LIMIT_NEGATIVE"),
        ("1" * 20, "FIELD_LENGTH"),
        (10**20, "FIELD_LENGTH"),
        (10**80, "FIELD_LENGTH"),
        (Decimal("1e999999"), "FIELD_LENGTH"),
        (Decimal("1e-999999"), "FIELD_LENGTH"),
        ("1e5", "DECIMAL_INVALID"),
        (" 5 ", "DECIMAL_INVALID"),
        ("1.00001", "FIELD_LENGTH"),
        ("1_000", "DECIMAL_INVALID"),
        ("\u0661\u0660\u0660", "DECIMAL_INVALID"),
        ("ten", "DECIMAL_INVALID"),
        ("", "DECIMAL_INVALID"),
        (True, "FIELD_TYPE"),
        ([], "FIELD_TYPE"),
    ],
)
def test_credit_limits_that_are_refused(given, code):
    with pytest.raises(PydanticCustomError) as e:
        checks.credit_limit(given)
    assert e.value.type == code


def nested(levels: int):
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_metadata_has_bounds():
    assert metadata(nested(20)) == nested(20)
    for bad, code in [
        (nested(21), "METADATA_TOO_DEEP"),
        ({"a": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}, "METADATA_TOO_DEEP"),
        ({"a": "x" * 65_536}, "METADATA_TOO_LARGE"),
        ({"a": float("nan")}, "FIELD_TYPE"),
        ({"a\x00": 1}, "FIELD_TYPE"),
        ({"a": "\ud800"}, "FIELD_TYPE"),
        ([], "FIELD_TYPE"),
    ]:
        with pytest.raises(PydanticCustomError) as e:
            metadata(bad)
        assert e.value.type == code, bad


def test_a_number_in_metadata_is_kept_as_a_number():
    sent = {"score": Decimal("0.25"), "of": [{"most": Decimal("1e3")}, 7, True]}
    assert CreateCustomer.model_validate(LEAST | {"metadata": sent}).dump()["metadata"] == {
        "score": 0.25, "of": [{"most": 1000.0}, 7, True],
    }  # fmt: skip
    with pytest.raises(PydanticCustomError):
        metadata({"most": Decimal("1e999")})


def test_every_wrong_field_is_named_at_its_place():
    body = LEAST | {
        "customer_type": "big",
        "currency_code": "XXQ",
        "credit_limit": "-1",
        "website": "javascript:alert(1)",
        "phone": "call me",
        "addresses": [{"type": "home", "lines": [], "city": "x", "country": "usa"}],
        "surprise": 1,
    }
    assert codes(CreateCustomer, body) == {
        ("customer_type", "CUSTOMER_TYPE_INVALID"),
        ("currency_code", "CURRENCY_INVALID"),
        ("credit_limit", "CREDIT_LIMIT_NEGATIVE"),
        ("website", "WEBSITE_INVALID"),
        ("phone", "PHONE_INVALID"),
        ("addresses/0/type", "enum"),
        ("addresses/0/lines", "too_short"),
        ("addresses/0/country", "COUNTRY_INVALID"),
        ("surprise", "extra_forbidden"),
    }


def test_ranges_run_forwards():
    tier = {"item": "X", "price": "1", "min_quantity": 5, "max_quantity": 4}
    assert codes(CreateCustomer, LEAST | {"pricing_tiers": [tier]}) == {("pricing_tiers/0", "QUANTITY_RANGE_INVALID")}
    profile = {"tax_code": "EXEMPT", "effective_from": "2026-02-01", "effective_to": "2026-01-31"}
    assert codes(CreateCustomer, LEAST | {"tax_profiles": [profile]}) == {("tax_profiles/0", "EFFECTIVE_RANGE_INVALID")}
    timed = profile | {"effective_from": "2026-01-01T00:00:00Z"}
    assert ("tax_profiles/0/effective_from", "DATE_INVALID") in codes(CreateCustomer, LEAST | {"tax_profiles": [timed]})


def test_a_patch_says_what_it_does_to_each_related_record():
    assert codes(PatchCustomer, {}) == {("", "FIELD_REQUIRED")}
    assert codes(PatchCustomer, {"name": None}) == {("name", "FIELD_REQUIRED")}
    assert codes(PatchCustomer, {"addresses": [{"city": "x"}]}) == {("addresses/0/action", "missing")}
    assert codes(PatchCustomer, {"addresses": [{"action": "move"}]}) == {("addresses/0/action", "literal_error")}
    assert codes(PatchCustomer, {"addresses": [{"action": "update", "city": "x"}]}) == {("addresses/0/id", "missing")}
    assert codes(PatchCustomer, {"addresses": [{"action": "update", "id": "a", "city": None}]}) == {
        ("addresses/0/city", "FIELD_REQUIRED")
    }
    assert codes(PatchCustomer, {"addresses": [{"action": "delete", "id": "a"}, {"action": "delete", "id": "a"}]}) == {
        ("", "FIELD_DUPLICATE")
    }


def test_what_is_dumped_is_json():
    body = CreateCustomer.model_validate(LEAST | {"credit_limit": Decimal("1.5"), "notes": None})
    assert json.loads(json.dumps(body.dump())) == LEAST | {"credit_limit": "1.5", "notes": None}
