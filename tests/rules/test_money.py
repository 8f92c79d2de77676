"""Amounts and rates, against exact fractions: Python's own `round` of a fraction is half-even."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.money import (
    INT64_MAX,
    amount_text,
    convert,
    convert_back,
    cross,
    exponent,
    implied_rate,
    inverse,
    is_currency,
    major,
    plain,
    round_half_even,
    share,
    spelt,
)

CURRENCIES = st.sampled_from(["USD", "GBP", "JPY", "KWD"])
MINOR = st.integers(0, INT64_MAX)
RATES = st.decimals("0.000001", "999999", places=6).filter(bool)


@pytest.mark.parametrize(("code", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_each_currency_has_its_own_exponent(code, digits):
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["", "usd", "US", "EURO", "XXX", "XAU"])
def test_what_is_no_money_is_no_currency(code):
    assert not is_currency(code)
    with pytest.raises(ValueError, match=repr(code)):
        exponent(code)


def test_codes_of_iso_4217_are_currencies():
    assert is_currency("USD")
    assert is_currency("JPY")


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("2.5000000001", 3), ("-0.5", 0), ("-1.5", -2), ("7", 7)],
)
def test_halves_go_to_the_even_neighbour(value, rounded):
    assert round_half_even(Decimal(value)) == rounded


@given(MINOR, RATES, CURRENCIES, CURRENCIES)
def test_converting_is_the_exact_product_rounded_once(minor, rate, source, target):
    exact = Fraction(minor) * Fraction(rate) * Fraction(10) ** (exponent(target) - exponent(source))
    assert convert(minor, rate, source, target) == round(exact)


@given(MINOR, RATES, CURRENCIES, CURRENCIES)
def test_converting_back_is_the_exact_quotient_rounded_once(minor, rate, source, target):
    exact = Fraction(minor) / Fraction(rate) * Fraction(10) ** (exponent(source) - exponent(target))
    assert convert_back(minor, rate, source, target) == round(exact)


@given(MINOR, st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_share_is_the_exact_share_rounded_once(total, part, whole):
    assert share(total, part, whole) == round(Fraction(total * part, whole))


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(0, INT64_MAX))
def test_the_share_of_the_whole_is_all_of_it(total, whole):
    assert share(total, whole, whole) == total


@given(MINOR, st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_shares_of_what_is_left_leave_nothing_behind(total, parts):
    left, rest = sum(parts), total
    for part in parts:
        mine = share(rest, part, left)
        assert 0 <= mine <= rest
        left, rest = left - part, rest - mine
    assert rest == 0


@given(st.integers(1, 10**12), st.integers(1, 10**12), CURRENCIES, CURRENCIES)
def test_two_stated_amounts_imply_their_quotient_to_ten_digits(source_minor, target_minor, source, target):
    rate = implied_rate(source_minor, target_minor, source, target)
    exact = Fraction(target_minor, source_minor) * Fraction(10) ** (exponent(source) - exponent(target))
    assert abs(Fraction(rate) / exact - 1) <= Fraction(5, 10**10)
    assert len(rate.normalize().as_tuple().digits) <= 10


@given(RATES)
def test_an_inverse_has_ten_digits_and_leads_back(rate):
    assert abs(Fraction(inverse(rate)) * Fraction(rate) - 1) <= Fraction(5, 10**10)
    assert len(inverse(rate).normalize().as_tuple().digits) <= 10


@given(RATES, RATES)
def test_a_cross_rate_is_the_product_to_ten_digits(a, b):
    assert abs(Fraction(cross(a, b)) / (Fraction(a) * Fraction(b)) - 1) <= Fraction(5, 10**10)
    assert len(cross(a, b).normalize().as_tuple().digits) <= 10


@pytest.mark.parametrize(
    ("value", "shown"), [("1.250", "1.25"), ("1E+1", "10"), ("0.000", "0"), ("-0", "0"), ("100", "100"), ("1E-5", "0.00001")]
)  # fmt: skip
def test_a_plain_number_has_no_exponent_and_no_trailing_zeros(value, shown):
    assert str(plain(Decimal(value))) == shown


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("100000", "USD", "100000"),
        ("100000.5", "USD", "100000.50"),
        ("0.125", "USD", "0.125"),
        ("9.500", "KWD", "9.500"),
        ("9.5", "KWD", "9.500"),
        ("1E-7", "USD", "0.0000001"),
        ("1.5", None, "1.50"),
        ("7.0", "JPY", "7"),
    ],
)
def test_an_amount_is_written_as_people_write_it(value, currency, shown):
    assert amount_text(value, currency) == amount_text(Decimal(value), currency) == shown


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(123456, "USD", "1,234.56"), (5, "USD", "0.05"), (1234, "JPY", "1,234"), (-1234567, "KWD", "-1,234.567")],
)
def test_minor_units_are_shown_in_units(minor, currency, shown):
    assert major(minor, currency) == shown


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (65_000, "USD", "650.00 USD"),
        (-5, "EUR", "-0.05 EUR"),
        (1234, "JPY", "1,234 JPY"),
        (1_234_567, "KWD", "1,234.567 KWD"),
    ],
)
def test_an_amount_is_spelt_with_the_decimals_and_the_code_of_its_currency(minor, currency, text):
    assert spelt(minor, currency) == text
