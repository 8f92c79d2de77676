"""What is open on a day, and reports as they are written."""

import json
from datetime import date
from decimal import Decimal

import pytest

from api.csv_answer import _rows
from models.cash.open_items import OpenItem, OpenPayment
from models.cash.report_answers import ArRollForwardAnswer, EntityBalanceAnswer
from models.db.tx import to_json


def item(due: date) -> OpenItem:
    return OpenItem(
        id="invoice_1", external_id="INV-1", customer_id="cust_1", legal_entity_id="le_us", issue_date=date(2026, 1, 1),
        due_date=due, currency_code="USD", functional_currency="USD", fx_rate=Decimal(1), total_minor=100, disputed=False,
        balance_due_minor=100, functional_balance_minor=100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "late", "bucket"),
    [(1, -30, "current"), (31, 0, "current"), (60, 29, "current"), (61, 30, "days_30"), (91, 60, "days_60"),
     (121, 90, "days_90plus")],
)  # fmt: skip
def test_an_item_stands_in_the_bucket_that_callers_know(day: int, late: int, bucket: str) -> None:
    on = date.fromordinal(date(2026, 1, 1).toordinal() + day - 1)
    assert (item(date(2026, 1, 31)).days_past_due(on), item(date(2026, 1, 31)).bucket(on)) == (late, bucket)


def test_what_is_left_of_a_payment_is_divided_between_credits_and_the_rest() -> None:
    payment = OpenPayment(
        id="pay_1", external_id="p", customer_id=None, legal_entity_id="le_us", payment_date=date(2026, 1, 1),
        amount_minor=900, currency_code="GBP", functional_currency="USD", left_minor=500, left_worth=625,
        credits_minor=200, credits_worth=250,
    )  # fmt: skip
    funds = payment.funds
    assert (funds.unapplied_minor, funds.credits_minor) == (300, 200)
    assert (funds.functional_unapplied_minor, funds.functional_credits_minor) == (375, 250)


def test_a_roll_forward_is_written_with_from_and_to() -> None:
    report = ArRollForwardAnswer(from_=date(2026, 1, 1), to=date(2026, 1, 31), items=[])
    assert json.loads(to_json(report)) == {"from": "2026-01-01", "to": "2026-01-31", "items": []}


def test_a_row_of_csv_says_whose_it_is_before_its_figures() -> None:
    total = EntityBalanceAnswer(
        legal_entity_id="le_us", currency_code="USD", debit_minor=1, credit_minor=2, balance_minor=3,
        turnover_debit_minor=4, turnover_credit_minor=5,
    )  # fmt: skip
    (row,) = _rows("total", [total])
    assert list(row)[:4] == ["row", "legal_entity_id", "currency_code", "debit_minor"]
    assert list(_rows("total", [])) == []
