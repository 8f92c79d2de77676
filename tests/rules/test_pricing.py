"""Price tiers: at most one price for a quantity on a day."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from models.answers import read_row
from models.customers.pricing import check_tiers, overlap, price_of
from models.customers.records import PricingTierRecord

START = date(2026, 1, 1)
DAYS = [None, *(START + timedelta(days=n) for n in range(0, 8, 2))]
QUANTITIES = [None, "0", "1", "2.5", "5", "10"]


def tier(low=None, high=None, since=None, until=None, item="bolt", currency=None, price="1"):
    given = {
        "item": item, "price": price, "currency_code": currency, "min_quantity": low, "max_quantity": high,
        "effective_from": since, "effective_to": until,
    }  # fmt: skip
    return read_row(PricingTierRecord, given)


def forwards(one):
    low, high, since, until = one.min_quantity, one.max_quantity, one.effective_from, one.effective_to
    return (high is None or (low or 0) <= high) and (not since or not until or since <= until)


TIERS = st.builds(
    tier, st.sampled_from(QUANTITIES), st.sampled_from(QUANTITIES), st.sampled_from(DAYS), st.sampled_from(DAYS),
    st.sampled_from(["bolt", "bolt", "nut"]), st.sampled_from([None, "USD", "EUR"]),
).filter(forwards)  # fmt: skip
MOMENTS = [START + timedelta(days=n) for n in range(-1, 9)]
AMOUNTS = [Decimal(q) for q in ("0", "0.5", "1", "2", "2.5", "3", "5", "7", "10", "11")]


def prices(tiers, item="bolt", currency="USD"):
    """How many tiers answer, for each quantity and day, asked one by one."""
    for day in MOMENTS:
        for quantity in AMOUNTS:
            yield [
                k
                for k, one in tiers.items()
                if price_of({k: one}, item=item, quantity=quantity, day=day, currency=currency, default_currency="USD")
            ]


@settings(max_examples=150)
@given(st.lists(TIERS, max_size=5))
def test_tiers_are_refused_exactly_where_two_would_answer(several):
    tiers = {str(n): one for n, one in enumerate(several)}
    clash = any(
        len(found) > 1
        for item in ("bolt", "nut")
        for currency in ("USD", "EUR")
        for found in prices(tiers, item, currency)
    )
    assert clash == any(overlap(a, b, "USD") for a, b in combinations(several, 2))
    if clash:
        with pytest.raises(PydanticCustomError) as e:
            check_tiers(tiers.values(), "USD")
        assert e.value.type == "PRICING_TIERS_OVERLAP"
    else:
        check_tiers(tiers.values(), "USD")


@given(TIERS, TIERS)
def test_overlapping_is_mutual(one, other):
    assert overlap(one, other, "USD") == overlap(other, one, "USD")
    assert overlap(one, one, "USD")


def ask(tiers, quantity, day=START, currency="USD", item="bolt"):
    found = price_of(tiers, item=item, quantity=Decimal(quantity), day=day, currency=currency, default_currency="USD")
    return found and found[0]


@pytest.mark.parametrize(
    ("quantity", "answers"), [("0.9", None), ("1", "t"), ("9.99", "t"), ("10", "t"), ("10.01", None)]
)
def test_both_ends_of_a_band_belong_to_it(quantity, answers):
    assert ask({"t": tier("1", "10")}, quantity) == answers


@pytest.mark.parametrize(("days", "answers"), [(-1, None), (0, "t"), (2, "t"), (4, "t"), (5, None)])
def test_both_days_of_a_range_belong_to_it(days, answers):
    assert ask({"t": tier(None, None, START, START + timedelta(4))}, "1", START + timedelta(days)) == answers


def test_an_open_end_goes_on():
    assert ask({"t": tier("5")}, "1000000000") == "t"
    assert ask({"t": tier(None, "5")}, "0") == "t"
    assert ask({"t": tier(since=START)}, "1", date.max) == "t"
    assert ask({"t": tier(until=START)}, "1", date.min) == "t"


def test_item_and_currency_must_be_the_ones_asked_for():
    tiers = {"own": tier(), "eur": tier(currency="EUR", price="2"), "nut": tier(item="nut")}
    assert ask(tiers, "1") == "own"
    assert ask(tiers, "1", currency="EUR") == "eur"
    assert ask(tiers, "1", item="nut") == "nut"
    assert ask(tiers, "1", currency="GBP") is None
    found = price_of(tiers, item="bolt", quantity=Decimal(1), day=START, currency="EUR", default_currency="USD")
    assert found == ("eur", tiers["eur"])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (tier("1", "5"), tier("5", "10"), True),
        (tier("1", "5"), tier("5.01", "10"), False),
        (tier("1", None), tier("100", None), True),
        (tier(since="2026-01-01", until="2026-01-31"), tier(since="2026-01-31"), True),
        (tier(since="2026-01-01", until="2026-01-31"), tier(since="2026-02-01"), False),
        (tier(), tier(item="nut"), False),
        (tier(), tier(currency="USD"), True),
        (tier(), tier(currency="EUR"), False),
    ],
)
def test_which_tiers_overlap(one, other, expected):
    assert overlap(one, other, "USD") is overlap(other, one, "USD") is expected


def test_a_wide_tier_clashes_with_one_that_is_not_its_neighbour():
    tiers = {
        "wide": tier("0", "100", "2026-01-01", "2026-01-31"),
        "small": tier("1", "2", "2026-02-01"),
        "late": tier("50", "60", "2026-01-15"),
    }
    with pytest.raises(PydanticCustomError):
        check_tiers(tiers.values(), "USD")


def test_a_long_price_list_is_checked_quickly():
    bands = {str(n): tier(str(n), str(n) + ".5") for n in range(20_000)}
    check_tiers(bands.values(), "USD")
