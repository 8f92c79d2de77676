"""The customer as one document: created, patched, compared, seen by an entity, priced."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from models.customers.bodies import CreateCustomer
from models.customers.diff import Difference, applied, diff, moved, touched_entities
from models.customers.patch import PatchCustomer
from models.customers.pricing import check_tiers, overlap, price_of
from models.customers.record import created, patched, seen_by
from models.customers.records import PricingTierRecord
from models.errors import Refusal
from models.keys import company_key, email_key, name_key, tax_id_key

LEAST = {"name": "Acme", "email": "ap@acme.example.com", "legal_entity_id": "le_us"}


def new_ids():
    n = count(1)
    return lambda prefix: f"{prefix}_{next(n)}"


def sample():
    return created(
        CreateCustomer.model_validate(
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
    after = patched(before, PatchCustomer.model_validate({"credit_limit": None, "notes": "x"}), new_ids())
    assert diff(before, after) == [
        Difference(path="/notes", before=None, after="x"),
        Difference(path="/credit_limit", before="100000", after=None),
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
    after = patched(before, PatchCustomer.model_validate(body), lambda _: next(ids))
    changes = diff(before, after)
    assert [c.path for c in changes] == [
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
        patched(sample(), PatchCustomer.model_validate(body), new_ids())
    assert e.value.code == code


def test_amounts_have_all_decimals_of_their_currency_or_none():
    given = [("A", "9.5", None), ("B", "9.50", "KWD"), ("C", 9, None), ("D", "0.000125", None), ("E", "5.0", "JPY")]
    tiers = [{"item": item, "price": price, "currency_code": currency} for item, price, currency in given]
    overrides = [{"legal_entity_id": "le_uk", "credit_limit": "8.5", "credit_limit_currency": "KWD"}]
    body = LEAST | {
        "credit_limit": "100000.50",
        "currency_code": "USD",
        "pricing_tiers": tiers,
        "entity_overrides": overrides,
    }
    record = created(CreateCustomer.model_validate(body), new_ids())
    assert str(record.credit_limit) == "100000.50"
    assert [str(t.price) for t in record.pricing_tiers.values()] == ["9.50", "9.500", "9", "0.000125", "5"]
    assert str(record.entity_overrides["le_uk"].credit_limit) == "8.500"


def test_another_spelling_of_the_same_amount_is_no_change():
    before = sample()
    tier = replace(before.pricing_tiers["tier_2"], price=Decimal("9.5"))
    as_kept_earlier = replace(before, pricing_tiers={"tier_2": tier})
    assert diff(as_kept_earlier, before) == []
    gone = patched(
        before, PatchCustomer.model_validate({"pricing_tiers": [{"action": "delete", "id": "tier_2"}]}), new_ids()
    )
    assert moved(before, diff(as_kept_earlier, gone)) == []
    one, other = (replace(before, metadata={"price": price}) for price in ("1.0", "1"))
    assert [c.path for c in diff(one, other)] == ["/metadata"]


def test_a_record_that_moved_is_seen_only_where_the_change_touches_it():
    before = sample()
    changes = diff(before, patched(before, PatchCustomer.model_validate({"credit_limit": 5}), new_ids()))
    other = patched(before, PatchCustomer.model_validate({"notes": "n"}), new_ids())
    same = patched(before, PatchCustomer.model_validate({"credit_limit": 6}), new_ids())
    assert moved(other, changes) == []
    assert applied(other, changes).notes == "n"
    assert moved(same, changes) == ["/credit_limit"]
    gone = patched(
        before, PatchCustomer.model_validate({"addresses": [{"action": "delete", "id": "addr_1"}]}), new_ids()
    )
    city = PatchCustomer.model_validate({"addresses": [{"action": "update", "id": "addr_1", "city": "York"}]})
    assert moved(gone, diff(before, patched(before, city, new_ids()))) == ["/addresses/addr_1/city"]


def test_an_entity_sees_the_master_with_its_own_overrides():
    seen = seen_by(sample(), "le_uk", "GBP", "USD")
    assert (seen.details.credit_limit, seen.credit_limit_currency, seen.details.name) == (Decimal(80000), "EUR", "Acme")
    assert seen.overrides == ["credit_limit", "credit_limit_currency"]
    assert seen.provenance["credit_limit"] == "entity"
    assert seen.provenance["name"] == "master"
    assert seen_by(sample(), "le_us", "USD", "USD").details.credit_limit == 100000


def test_keys_make_the_same_what_people_hold_to_be_the_same():
    assert email_key("AP@Acme.Example.COM") == email_key("ap@acme.example.com")
    assert tax_id_key("GB 999-9973") == tax_id_key("gb9999973")
    assert name_key("  Société  Générale\u200d S.A. ") == "societe generale s a"
    assert company_key("ACME Corp.") == company_key("Acme Corporation") == "acme"


TIER = st.builds(
    PricingTierRecord,
    item=st.sampled_from(["X", "Y"]),
    price=st.just(Decimal(1)),
    currency_code=st.sampled_from([None, "USD", "EUR"]),
    min_quantity=st.one_of(st.none(), st.integers(0, 9).map(Decimal)),
    max_quantity=st.one_of(st.none(), st.integers(9, 20).map(Decimal)),
    effective_from=st.sampled_from([None, date(2026, 1, 1), date(2026, 6, 1)]),
    effective_to=st.sampled_from([None, date(2026, 6, 1), date(2026, 12, 31)]),
)


@given(st.lists(TIER, max_size=6))
def test_tiers_are_refused_exactly_when_two_overlap(tiers):
    pairs = [(a, b) for i, a in enumerate(tiers) for b in tiers[i + 1 :]]
    expected = any(overlap(a, b, "USD") for a, b in pairs)
    try:
        check_tiers(tiers, "USD")
    except PydanticCustomError:
        assert expected
    else:
        assert not expected


def test_the_price_is_the_tiers_of_quantity_day_and_currency():
    february = date(2026, 2, 1), date(2026, 2, 28)
    tiers = {
        "a": PricingTierRecord(item="X", price=Decimal(10), min_quantity=Decimal(1), max_quantity=Decimal(9)),
        "b": PricingTierRecord(item="X", price=Decimal(8), min_quantity=Decimal(10)),
        "c": PricingTierRecord(item="X", price=Decimal(7), currency_code="EUR"),
        "d": PricingTierRecord(item="Y", price=Decimal(3), effective_from=february[0], effective_to=february[1]),
    }

    def price(item, quantity, day=date(2026, 1, 1), currency="USD"):
        found = price_of(
            tiers, item=item, quantity=Decimal(quantity), day=day, currency=currency, default_currency="USD"
        )
        return found and str(found[1].price)

    assert price("X", 9) == "10"
    assert price("X", 10) == "8"
    assert price("X", "9.5") is None
    assert price("X", 5, currency="EUR") == "7"
    assert price("Y", 1) is None
    assert price("Y", 1, date(2026, 2, 28)) == "3"
