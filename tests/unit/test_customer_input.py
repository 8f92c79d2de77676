"""What the body alone decides about a customer, edge by edge."""

import json
from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from models import checks
from models.customers.bodies import CustomerCreate
from models.customers.diff import applied, diff, moved
from models.customers.patch import CustomerPatch
from models.customers.pricing import check_tiers, overlap, price_of
from models.customers.record import created, effective, patched, touched_entities
from models.errors import Refusal
from models.keys import company_key, email_key, name_key, tax_id_key

LEAST = {"name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us"}


def codes(model, body) -> set[tuple[str, str]]:
    with pytest.raises(ValidationError) as e:
        model.model_validate(body)
    return {
        ("/".join(str(p) for p in x["loc"] if not str(p).startswith("action:")), x["type"]) for x in e.value.errors()
    }


def new_ids():
    n = count(1)
    return lambda prefix: f"{prefix}_{next(n)}"


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
    assert checks.name(name) == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "FIELD_REQUIRED"),
        ("   ", "FIELD_REQUIRED"),
        ("\u200d\u200c", "FIELD_LENGTH"),
        ("x" * 256, "FIELD_LENGTH"),
        ("Acme\u200b", "FIELD_TYPE"),
        ("\u202eemcA", "FIELD_TYPE"),
        ("Ac\x00me", "FIELD_TYPE"),
        ("Ac\nme", "FIELD_TYPE"),
        ("Ac\ud800me", "FIELD_TYPE"),
    ],
)
def test_names_that_are_refused(name, code):
    with pytest.raises(PydanticCustomError) as e:
        checks.name(name)
    assert e.value.type == code


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("0", "0"),
        (0, "0"),
        ("-0", "0"),
        ("100000.50", "100000.5"),
        (80000, "80000"),
        (0.1, "0.1"),
        ("1e5", "100000"),
        ("9" * 15, "9" * 15),
    ],
)
def test_credit_limits_are_kept_as_texts(given, stored):
    assert checks.decimal_text(checks.credit_limit(given)) == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("NaN", "FIELD_TYPE"),
        (float("nan"), "FIELD_TYPE"),
        ("Infinity", "FIELD_TYPE"),
        (float("inf"), "FIELD_TYPE"),
        ("-1", "CREDIT_LIMIT_NEGATIVE"),
        (-0.01, "CREDIT_LIMIT_NEGATIVE"),
        ("1" * 20, "FIELD_LENGTH"),
        (10**20, "FIELD_LENGTH"),
        (10**80, "FIELD_LENGTH"),
        ("1e999999999", "FIELD_LENGTH"),
        ("1e-999999999", "FIELD_LENGTH"),
        ("1.00001", "FIELD_LENGTH"),
        ("1_000", "FIELD_TYPE"),
        ("\u0661\u0660\u0660", "FIELD_TYPE"),
        ("ten", "FIELD_TYPE"),
        ("", "FIELD_TYPE"),
        (True, "FIELD_TYPE"),
        ([], "FIELD_TYPE"),
    ],
)
def test_credit_limits_that_are_refused(given, code):
    with pytest.raises(PydanticCustomError) as e:
        checks.credit_limit(given)
    assert e.value.type == code


def nested(levels: int):
    value = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_metadata_has_bounds():
    assert checks.metadata(nested(20)) == nested(20)
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
            checks.metadata(bad)
        assert e.value.type == code, bad


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
    assert codes(CustomerCreate, body) == {
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
    assert codes(CustomerCreate, LEAST | {"pricing_tiers": [tier]}) == {("pricing_tiers/0", "QUANTITY_RANGE_INVALID")}
    profile = {"tax_code": "EXEMPT", "effective_from": "2026-02-01", "effective_to": "2026-01-31"}
    assert codes(CustomerCreate, LEAST | {"tax_profiles": [profile]}) == {("tax_profiles/0", "EFFECTIVE_RANGE_INVALID")}
    timed = profile | {"effective_from": "2026-01-01T00:00:00Z"}
    assert ("tax_profiles/0/effective_from", "FIELD_TYPE") in codes(CustomerCreate, LEAST | {"tax_profiles": [timed]})


def test_a_patch_says_what_it_does_to_each_related_record():
    assert codes(CustomerPatch, {}) == {("", "FIELD_REQUIRED")}
    assert codes(CustomerPatch, {"name": None}) == {("name", "FIELD_REQUIRED")}
    assert codes(CustomerPatch, {"addresses": [{"city": "x"}]}) == {("addresses/0/action", "missing")}
    assert codes(CustomerPatch, {"addresses": [{"action": "move"}]}) == {("addresses/0/action", "literal_error")}
    assert codes(CustomerPatch, {"addresses": [{"action": "update", "city": "x"}]}) == {("addresses/0/id", "missing")}
    assert codes(CustomerPatch, {"addresses": [{"action": "update", "id": "a", "city": None}]}) == {
        ("addresses/0/city", "FIELD_REQUIRED")
    }
    assert codes(CustomerPatch, {"addresses": [{"action": "delete", "id": "a"}, {"action": "delete", "id": "a"}]}) == {
        ("", "FIELD_DUPLICATE")
    }


def sample():
    return created(
        CustomerCreate.model_validate(
            LEAST
            | {
                "credit_limit": 100000,
                "currency_code": "USD",
                "addresses": [{"type": "billing", "lines": ["1 High St"], "city": "Leeds", "country": "GB"}],
                "pricing_tiers": [{"item": "X", "price": "9.50", "min_quantity": 1, "max_quantity": 10}],
                "dimensions": [{"type": "department", "code": "SALES"}],
                "entity_overrides": [
                    {"legal_entity_id": "le_uk", "credit_limit": 80000, "credit_limit_currency": "EUR"}
                ],
            }
        ),
        new_ids(),
    )


def test_absent_is_unchanged_and_null_is_cleared():
    before = sample()
    after = patched(before, CustomerPatch.model_validate({"credit_limit": None, "notes": "x"}), new_ids())
    assert diff(before, after) == [
        {"path": "/notes", "before": None, "after": "x"},
        {"path": "/credit_limit", "before": "100000", "after": None},
    ]


def test_add_update_and_delete_in_one_patch():
    before = sample()
    body = {
        "addresses": [
            {"action": "update", "id": "addr_1", "city": "York"},
            {"action": "add", "type": "shipping", "lines": ["2 Low St"], "city": "Hull", "country": "GB"},
        ],
        "pricing_tiers": [{"action": "delete", "id": "tier_2"}],
        "dimensions": [{"action": "update", "type": "department", "code": "OPS"}],
        "entity_overrides": [
            {"action": "update", "legal_entity_id": "le_uk", "credit_limit": None, "payment_terms": "NET60"}
        ],
    }
    ids = iter(["addr_9"])
    after = patched(before, CustomerPatch.model_validate(body), lambda _: next(ids))
    changes = diff(before, after)
    assert [c["path"] for c in changes] == [
        "/addresses/addr_1/city",
        "/addresses/addr_9",
        "/pricing_tiers/tier_2",
        "/dimensions/dim_3/code",
        "/entity_overrides/le_uk/credit_limit",
        "/entity_overrides/le_uk/credit_limit_currency",
        "/entity_overrides/le_uk/payment_terms",
    ]
    assert applied(before, changes) == after
    assert moved(before, changes) == []
    assert touched_entities(changes) == ["le_uk"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"addresses": [{"action": "update", "id": "addr_99", "city": "x"}]}, "ADDRESS_NOT_FOUND"),
        ({"contacts": [{"action": "delete", "id": "cont_99"}]}, "CONTACT_NOT_FOUND"),
        ({"pricing_tiers": [{"action": "delete", "id": "addr_1"}]}, "PRICING_TIER_NOT_FOUND"),
        ({"entity_overrides": [{"action": "delete", "legal_entity_id": "le_us"}]}, "ENTITY_OVERRIDE_NOT_FOUND"),
        ({"pricing_tiers": [{"action": "add", "item": "X", "price": 1, "min_quantity": 10}]}, "VALIDATION_FAILED"),
        ({"dimensions": [{"action": "add", "type": "department", "code": "OPS"}]}, "VALIDATION_FAILED"),
    ],
)
def test_what_does_not_fit_the_record_is_refused(body, code):
    with pytest.raises(Refusal) as e:
        patched(sample(), CustomerPatch.model_validate(body), new_ids())
    assert e.value.code == code


def test_a_record_that_moved_is_seen_only_where_the_change_touches_it():
    before = sample()
    changes = diff(before, patched(before, CustomerPatch.model_validate({"credit_limit": 5}), new_ids()))
    other = patched(before, CustomerPatch.model_validate({"notes": "n"}), new_ids())
    same = patched(before, CustomerPatch.model_validate({"credit_limit": 6}), new_ids())
    assert moved(other, changes) == []
    assert applied(other, changes)["notes"] == "n"
    assert moved(same, changes) == ["/credit_limit"]
    gone = patched(
        before, CustomerPatch.model_validate({"addresses": [{"action": "delete", "id": "addr_1"}]}), new_ids()
    )
    city = CustomerPatch.model_validate({"addresses": [{"action": "update", "id": "addr_1", "city": "York"}]})
    assert moved(gone, diff(before, patched(before, city, new_ids()))) == ["/addresses/addr_1/city"]


def test_an_entity_sees_the_master_with_its_own_overrides():
    seen = effective(sample(), "le_uk", "GBP", "USD")
    assert (seen["credit_limit"], seen["credit_limit_currency"], seen["name"]) == ("80000", "EUR", "Acme")
    assert seen["overrides"] == ["credit_limit", "credit_limit_currency"]
    assert seen["provenance"]["credit_limit"] == "entity"
    assert seen["provenance"]["name"] == "master"
    assert effective(sample(), "le_us", "USD", "USD")["credit_limit"] == "100000"


def test_keys_make_the_same_what_people_hold_to_be_the_same():
    assert email_key("AP@Acme.Example.COM") == email_key("ap@acme.example.com")
    assert tax_id_key("GB 999-9973") == tax_id_key("gb9999973")
    assert name_key("  Société  Générale\u200d S.A. ") == "societe generale s a"
    assert company_key("ACME Corp.") == company_key("Acme Corporation") == "acme"


TIER = st.fixed_dictionaries(
    {
        "item": st.sampled_from(["X", "Y"]),
        "price": st.just("1"),
        "currency_code": st.sampled_from([None, "USD", "EUR"]),
        "min_quantity": st.one_of(st.none(), st.integers(0, 9).map(str)),
        "max_quantity": st.one_of(st.none(), st.integers(9, 20).map(str)),
        "effective_from": st.sampled_from([None, "2026-01-01", "2026-06-01"]),
        "effective_to": st.sampled_from([None, "2026-06-01", "2026-12-31"]),
    }
)


@given(st.lists(TIER, max_size=6))
def test_tiers_are_refused_exactly_when_two_overlap(tiers):
    pairs = [(a, b) for i, a in enumerate(tiers) for b in tiers[i + 1 :]]
    expected = any(overlap(a, b, "USD") for a, b in pairs)
    try:
        check_tiers({str(i): t for i, t in enumerate(tiers)}, "USD")
    except PydanticCustomError:
        assert expected
    else:
        assert not expected


def test_the_price_is_the_tiers_of_quantity_day_and_currency():
    tiers = {
        "a": {"item": "X", "price": "10", "min_quantity": "1", "max_quantity": "9"},
        "b": {"item": "X", "price": "8", "min_quantity": "10"},
        "c": {"item": "X", "price": "7", "currency_code": "EUR"},
        "d": {"item": "Y", "price": "3", "effective_from": "2026-02-01", "effective_to": "2026-02-28"},
    }

    def price(item, quantity, day=date(2026, 1, 1), currency="USD"):
        found = price_of(
            tiers, item=item, quantity=Decimal(quantity), day=day, currency=currency, default_currency="USD"
        )
        return found and found[1]["price"]

    assert price("X", 9) == "10"
    assert price("X", 10) == "8"
    assert price("X", "9.5") is None
    assert price("X", 5, currency="EUR") == "7"
    assert price("Y", 1) is None
    assert price("Y", 1, date(2026, 2, 28)) == "3"


def test_what_is_dumped_is_json():
    body = CustomerCreate.model_validate(LEAST | {"credit_limit": 1.5, "notes": None})
    assert json.loads(json.dumps(body.dump())) == LEAST | {"credit_limit": "1.5", "notes": None}
