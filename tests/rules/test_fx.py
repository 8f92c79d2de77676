"""Which stored rate serves a date."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.fx import StoredRate, find_rate
from models.money import cross, inverse

DAY = date(2026, 3, 10)


def rate(base: str, quote: str, value: str, days_ago: int = 0) -> StoredRate:
    return StoredRate(base, quote, DAY - timedelta(days=days_ago), Decimal(value))


def found(*rates: StoredRate, base: str = "USD", quote: str = "EUR") -> Decimal | None:
    answers = {find_rate(order, base, quote, DAY) for order in permutations(rates)}
    assert len(answers) == 1, "the order in which rates are read decides nothing"
    return answers.pop()


def test_a_currency_is_worth_itself():
    assert found(quote="USD") == 1
    assert found(rate("USD", "EUR", "0.9"), quote="USD") == 1


@pytest.mark.parametrize(("days_ago", "serves"), [(-1, False), (0, True), (7, True), (8, False)])
def test_a_rate_serves_its_date_and_seven_days_after(days_ago, serves):
    assert found(rate("USD", "EUR", "0.9", days_ago)) == (Decimal("0.9") if serves else None)


def test_the_latest_rate_serves():
    assert found(rate("USD", "EUR", "0.91", 2), rate("USD", "EUR", "0.92", 1), rate("USD", "EUR", "0.9", 3)) == Decimal(
        "0.92"
    )


def test_an_inverse_rate_serves_where_there_is_no_other():
    assert found(rate("EUR", "USD", "1.25")) == Decimal("0.8")


def test_of_one_date_the_direct_rate_goes_before_the_inverse():
    assert found(rate("USD", "EUR", "0.9"), rate("EUR", "USD", "1.25")) == Decimal("0.9")


def test_a_later_inverse_goes_before_an_earlier_direct_rate():
    assert found(rate("USD", "EUR", "0.9", 1), rate("EUR", "USD", "1.25")) == Decimal("0.8")
    assert found(rate("USD", "EUR", "0.9"), rate("EUR", "USD", "1.25", 1)) == Decimal("0.9")


def test_a_cross_rate_serves_where_neither_is_known():
    assert found(rate("USD", "GBP", "0.8"), rate("GBP", "EUR", "1.2")) == Decimal("0.96")
    assert found(rate("GBP", "USD", "1.25"), rate("EUR", "GBP", "0.5")) == Decimal("1.6")
    assert found(rate("USD", "GBP", "0.8"), rate("GBP", "EUR", "1.2"), rate("USD", "EUR", "0.7")) == Decimal("0.7")


def test_a_cross_rate_needs_both_legs_in_force():
    assert found(rate("USD", "GBP", "0.8"), rate("GBP", "EUR", "1.2", 8)) is None
    assert found(rate("USD", "GBP", "0.8")) is None
    assert found(rate("USD", "GBP", "0.8"), rate("CHF", "EUR", "0.9")) is None


def test_of_two_cross_rates_the_one_serves_whose_older_leg_is_younger():
    by_pounds = rate("USD", "GBP", "0.8", 0), rate("GBP", "EUR", "1.2", 3)
    by_francs = rate("USD", "CHF", "0.9", 1), rate("CHF", "EUR", "1.1", 2)
    assert found(*by_pounds, *by_francs) == Decimal("0.99")
    assert found(*by_pounds, rate("USD", "CHF", "0.9", 4), rate("CHF", "EUR", "1.1", 0)) == Decimal("0.96")


def test_of_two_cross_rates_of_one_age_the_currencys_name_decides():
    by_pounds, by_francs = rate("USD", "GBP", "0.9"), rate("USD", "CHF", "0.9")
    for pounds, francs in (("1.1", "1.2"), ("1.2", "1.1")):
        legs = rate("GBP", "EUR", pounds), rate("CHF", "EUR", francs)
        assert found(by_pounds, by_francs, *legs) == Decimal("0.9") * Decimal(pounds)


VALUES = st.decimals("0.0001", "9999", places=4).filter(bool)


@given(VALUES, VALUES)
def test_inverse_and_cross_are_told_to_ten_digits(a, b):
    one, other = StoredRate("EUR", "USD", DAY, a), StoredRate("USD", "GBP", DAY, b)
    assert find_rate([one], "USD", "EUR", DAY) == inverse(a)
    assert find_rate([one, other], "EUR", "GBP", DAY) == cross(b, a)
