"""How far payments and invoices have come, and what a customer owes against its limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.credit import NoRate, OpenAmount, exposure
from models.cash.payment import invoice_status


@given(st.integers(1, 10**9), st.data())
def test_an_invoice_is_open_in_part_or_paid_by_its_balance(total, data):
    balance = data.draw(st.integers(0, total))
    expected = "PAID" if balance == 0 else "OPEN" if balance == total else "PARTIALLY_PAID"
    assert invoice_status(total, balance) == expected


@pytest.mark.parametrize(("total", "balance", "status"), [(2, 2, "OPEN"), (2, 1, "PARTIALLY_PAID"), (2, 0, "PAID")])
def test_the_three_words_of_an_invoice_that_is_not_void(total, balance, status):
    assert invoice_status(total, balance) == status


RATES = {"EUR": Decimal("1.25"), "JPY": Decimal("0.01")}


def test_what_is_owed_is_measured_in_the_limits_currency():
    amounts = [
        OpenAmount("USD", "GBP", 1000, 790),  # at its face
        OpenAmount("EUR", "USD", 2000, 2345),  # as the books hold it
        OpenAmount("EUR", "GBP", 4000, 3400),  # at the rate
        OpenAmount("JPY", "GBP", 500, 3),
    ]
    assert exposure(amounts, "USD", RATES.get) == 1000 + 2345 + 5000 + 500
    assert exposure([], "USD", RATES.get) == 0


def test_the_face_goes_before_the_books():
    assert exposure([OpenAmount("USD", "USD", 1000, 999)], "USD", RATES.get) == 1000


def test_an_amount_that_no_rate_leads_out_of_is_not_guessed():
    with pytest.raises(NoRate, match="CHF"):
        exposure([OpenAmount("USD", "GBP", 1, 1), OpenAmount("CHF", "GBP", 1, 1)], "USD", RATES.get)
