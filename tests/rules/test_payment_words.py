"""How far payments and invoices have come, and what a customer owes against its limit."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.credit import NoRate, OpenAmount, exposure
from models.cash.records import Invoice, Payment

DAY, NOW = date(2026, 3, 10), datetime(2026, 3, 10, 12, tzinfo=UTC)


def invoice(total: int, balance: int) -> Invoice:
    return Invoice(
        id="inv_1", customer_id="cust_1", legal_entity_id="le_us", external_id="INV-1", reference_key="INV1",
        issue_date=DAY, due_date=DAY, payment_terms=None, currency_code="USD", total_minor=total, tax_minor=0,
        balance_due_minor=balance, fx_rate=Decimal(1), functional_currency="USD", functional_total_minor=total,
        functional_balance_minor=balance, lines=[], created_at=NOW,
    )  # fmt: skip


def payment(amount: int, applied: int) -> Payment:
    return Payment(
        id="pay_1", external_id="P-1", customer_id="cust_1", legal_entity_id="le_us", bank_account_id="ba_1",
        payment_date=DAY, amount_minor=amount, currency_code="USD", applied_minor=applied, fx_rate=Decimal(1),
        functional_currency="USD", functional_amount_minor=amount, functional_available_minor=amount - applied,
        method=None, reference=None, remittance_text=None, body={}, created_at=NOW,
    )  # fmt: skip


@given(st.integers(1, 10**9), st.data())
def test_an_invoice_is_open_in_part_or_paid_by_its_balance(total, data):
    balance = data.draw(st.integers(0, total))
    expected = "PAID" if balance == 0 else "OPEN" if balance == total else "PARTIALLY_PAID"
    assert invoice(total, balance).status == expected


@pytest.mark.parametrize(("total", "balance", "status"), [(2, 2, "OPEN"), (2, 1, "PARTIALLY_PAID"), (2, 0, "PAID")])
def test_the_three_words_of_an_invoice_that_is_not_void(total, balance, status):
    assert invoice(total, balance).status == status
    assert replace(invoice(total, balance), voided_at=NOW).status == "VOID"


@pytest.mark.parametrize(
    ("amount", "applied", "status"), [(2, 0, "UNAPPLIED"), (2, 1, "PARTIALLY_APPLIED"), (2, 2, "FULLY_APPLIED")]
)
def test_the_three_words_of_a_payment_that_is_not_reversed(amount, applied, status):
    assert payment(amount, applied).status == status
    assert replace(payment(amount, applied), reversed_at=NOW).status == "REVERSED"


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
