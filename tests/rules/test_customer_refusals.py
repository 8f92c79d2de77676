"""What does not fit together in a customer, and where the refusal says it stands; what an entity sees of it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.answers import read_row
from models.customers.answers import effective_customer_answer
from models.customers.bodies import CreateCustomer
from models.customers.diff import Difference, item_json, touched_entities
from models.customers.patch import PatchCustomer
from models.customers.record import check, created, patched, seen_by
from models.customers.records import Customer, CustomerDetails, DimensionRecord, OverrideRecord
from tests.altered import altered
from tests.rules.refusals import refused

BODY = {
    "name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us", "currency_code": "USD",
    "credit_limit": "100",
    "addresses": [{"type": "billing", "lines": ["1 High St"], "city": "Leeds", "country": "GB"}],
    "pricing_tiers": [{"item": "X", "price": "9.50", "min_quantity": 1, "max_quantity": 10}],
    "tax_profiles": [{"tax_code": "EXEMPT", "effective_from": "2026-01-01", "effective_to": "2026-01-01"}],
    "dimensions": [{"type": "department", "code": "SALES"}],
    "entity_overrides": [{"legal_entity_id": "le_uk", "payment_terms": "NET60"}],
}  # fmt: skip


def made(**fields: object) -> CustomerDetails:
    numbers = iter(range(1, 99))
    return created(CreateCustomer.model_validate(BODY | fields), lambda prefix: f"{prefix}_{next(numbers)}")


def change(record: CustomerDetails, **fields: object) -> CustomerDetails:
    prefixes: list[str] = []

    def new_id(prefix: str) -> str:
        prefixes.append(prefix)
        return f"{prefix}_new{len(prefixes)}"

    return patched(record, PatchCustomer.model_validate(fields), new_id)


def with_item(record: CustomerDetails, name: str, **fields: object) -> CustomerDetails:
    """The customer with other values in the one item of a list."""
    ((key, one),) = getattr(record, name).items()
    return altered(record, name, {key: read_row(type(one), item_json(one) | fields)})


@pytest.mark.parametrize("name", ["pricing_tiers", "tax_profiles"])
@pytest.mark.parametrize(
    ("first", "last", "fits"),
    [
        ("2026-01-02", "2026-01-01", False), ("2026-01-01", "2026-01-01", True), ("2026-01-01", "2026-01-02", True),
        (None, "2026-01-01", True), ("2026-01-01", None, True), (None, None, True),
    ],
)  # fmt: skip
def test_a_range_of_days_ends_no_earlier_than_it_begins(name, first, last, fits):
    record = with_item(made(), name, effective_from=first, effective_to=last)
    if fits:
        check(record)
    else:
        with refused("VALIDATION_FAILED", f"/{name}", "EFFECTIVE_RANGE_INVALID"):
            check(record)


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [
        ("2", "1", False),
        ("10", "9.9", False),
        ("1", "1", True),
        ("9", "10", True),
        (None, "1", True),
        ("1", None, True),
    ],
)
def test_a_range_of_quantities_ends_no_lower_than_it_begins(low, high, fits):
    record = with_item(made(), "pricing_tiers", min_quantity=low, max_quantity=high)
    if fits:
        check(record)
    else:
        with refused("VALIDATION_FAILED", "/pricing_tiers", "QUANTITY_RANGE_INVALID"):
            check(record)


def test_tiers_of_one_item_overlap_in_the_customers_own_currency_too():
    record = made()
    (tier,) = record.pricing_tiers.values()
    assert (record.currency_code, tier.currency_code) == ("USD", None)
    dollars, euros = (
        replace(record, pricing_tiers={**record.pricing_tiers, "tier_9": replace(tier, currency_code=currency)})
        for currency in ("USD", "EUR")
    )
    with refused("VALIDATION_FAILED", "/pricing_tiers", "PRICING_TIERS_OVERLAP"):
        check(dollars)
    check(euros)


def test_a_dimension_has_one_value():
    record = made()
    second = DimensionRecord(type="department", code="OPS")
    with refused("VALIDATION_FAILED", "/dimensions", "FIELD_DUPLICATE"):
        check(replace(record, dimensions={**record.dimensions, "dim_9": second}))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("addresses", "ADDRESS_NOT_FOUND"), ("contacts", "CONTACT_NOT_FOUND"),
        ("pricing_tiers", "PRICING_TIER_NOT_FOUND"), ("tax_profiles", "TAX_PROFILE_NOT_FOUND"),
        ("dimensions", "DIMENSION_NOT_FOUND"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named_with_its_place(name, code):
    with refused(code, f"/{name}/0"):
        change(made(), **{name: [{"action": "delete", "id": "none_1"}]})


def test_an_entity_has_one_override():
    record = made()
    with refused("VALIDATION_FAILED", "/entity_overrides/0/legal_entity_id", "FIELD_DUPLICATE"):
        change(record, entity_overrides=[{"action": "add", "legal_entity_id": "le_uk", "payment_terms": "NET30"}])
    for action in ("update", "delete"):
        with refused("ENTITY_OVERRIDE_NOT_FOUND", "/entity_overrides/0"):
            change(record, entity_overrides=[{"action": action, "legal_entity_id": "le_de"}])
    both = [
        {"action": "add", "legal_entity_id": "le_de", "payment_terms": "NET30"},
        {"action": "delete", "legal_entity_id": "le_uk"},
    ]
    assert change(record, entity_overrides=both).entity_overrides == {"le_de": OverrideRecord(payment_terms="NET30")}


@pytest.mark.parametrize(
    ("name", "body", "prefix"),
    [
        ("addresses", {"type": "shipping", "lines": ["2"], "city": "Hull", "country": "GB"}, "addr"),
        ("contacts", {"name": "Ann"}, "cont"),
        ("pricing_tiers", {"item": "Y", "price": "1"}, "tier"),
        ("tax_profiles", {"tax_code": "STD"}, "taxp"),
        ("dimensions", {"type": "region", "code": "N"}, "dim"),
    ],
)
def test_what_is_added_gets_an_id_of_its_kind(name, body, prefix):
    added = getattr(change(made(), **{name: [body | {"action": "add"}]}), name)
    assert body.items() <= item_json(added[f"{prefix}_new1"]).items()


def customer() -> Customer:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    return Customer(id="cust_1", version=1, created_at=now, updated_at=now, details=made())


def test_an_entity_sees_its_own_fields_and_the_masters_others():
    seen = seen_by(made(), "le_uk", "GBP", "USD")
    assert (seen.details.payment_terms, seen.details.credit_limit) == ("NET60", Decimal(100))
    assert (seen.credit_limit_currency, seen.overrides) == ("USD", ["payment_terms"])
    assert not hasattr(effective_customer_answer(customer(), seen), "entity_overrides")
    assert "entity_overrides" not in seen.provenance
    assert seen.provenance["payment_terms"] == "entity"
    assert {seen.provenance[f] for f in ("credit_limit", "name", "addresses", "credit_limit_currency")} == {"master"}


@pytest.mark.parametrize(
    ("override", "own", "expected"),
    [
        ({"credit_limit": "5", "credit_limit_currency": "EUR"}, "USD", "EUR"),
        ({"credit_limit": "5"}, "USD", "GBP"),
        ({"payment_terms": "NET60"}, "CHF", "CHF"),
        ({"payment_terms": "NET60"}, None, "USD"),
    ],
)
def test_a_credit_limit_is_in_the_currency_of_whoever_set_it(override, own, expected):
    record = made(currency_code=own, entity_overrides=[override | {"legal_entity_id": "le_uk"}])
    seen = seen_by(record, "le_uk", "GBP", "USD")
    assert seen.credit_limit_currency == expected
    assert seen.overrides == sorted(override)
    assert seen.provenance["credit_limit_currency"] == ("entity" if "credit_limit_currency" in override else "master")


def test_another_entity_sees_the_master():
    seen = seen_by(made(), "le_de", "EUR", "USD")
    assert (seen.details.payment_terms, seen.overrides) == (None, [])
    assert set(seen.provenance.values()) == {"master"}


def test_the_entities_that_a_diff_touches():
    paths = [
        "/entity_overrides/le_uk/credit_limit",
        "/entity_overrides/le_de",
        "/name",
        "/addresses/le_us/city",
        "/entity_overrides",
    ]
    assert touched_entities([Difference(path=p, before=None, after=None) for p in paths]) == ["le_de", "le_uk"]
