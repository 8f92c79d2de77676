"""Which credit limits a change makes others, and how they are written."""

from decimal import Decimal

import pytest

from models.answers import read_row
from models.customers.diff import applied
from models.customers.limits import Limit, LimitChange, changed_limits
from models.customers.records import RELATED, CustomerDetails, OverrideRecord

HOME = {"le_us": "USD", "le_uk": "GBP", "le_jp": "JPY"}


Own = tuple[str | None, str | None]


def customer(limit: str | None = None, currency: str | None = None, **overrides: Own) -> CustomerDetails:
    made = {
        "name": "A", "email": "a@example.com", "legal_entity_id": "le_us", "credit_limit": limit, "currency_code": currency,
        "status": "active", "metadata": {},
        "entity_overrides": {e: {"credit_limit": n, "credit_limit_currency": c} for e, (n, c) in overrides.items()},
    }  # fmt: skip
    blank: dict[str, object] = dict.fromkeys(CustomerDetails.__dataclass_fields__)
    blank |= {name: {} for name in RELATED}
    return read_row(CustomerDetails, blank | made)


def limit(amount: str | None, currency: str) -> Limit:
    return Limit(None if amount is None else Decimal(amount), currency)


@pytest.mark.parametrize(("before", "after", "found"), [
    (customer(), customer("5000"), [(None, (None, "USD"), ("5000", "USD"))]),
    (customer("5000"), customer("6000"), [(None, ("5000", "USD"), ("6000", "USD"))]),
    (customer("5000", "EUR"), customer("5000", "JPY"), [(None, ("5000", "EUR"), ("5000", "JPY"))]),
    (customer("5000"), customer("5000.00", "USD"), []),
    (customer("5000"), customer(), []),
    (customer(), customer(le_uk=("9", None)), [("le_uk", (None, "GBP"), ("9", "GBP"))]),
    (customer(le_uk=("9", None)), customer(le_uk=("9", "EUR")), [("le_uk", ("9", "GBP"), ("9", "EUR"))]),
    (customer(le_uk=("9", "EUR")), customer(le_uk=("9", "EUR")), []),
    (customer(le_uk=("9", "EUR")), customer(), []),
    (customer("1", le_uk=("2", None)), customer("3", le_jp=("5", None), le_uk=("4", None)),
     [(None, ("1", "USD"), ("3", "USD")), ("le_jp", (None, "JPY"), ("5", "JPY")), ("le_uk", ("2", "GBP"), ("4", "GBP"))]),
])  # fmt: skip
def test_a_limit_that_is_set_is_another_by_its_amount_or_its_currency(before, after, found) -> None:
    assert list(changed_limits(before, after, HOME)) == [
        LimitChange(e, limit(*was), limit(*now)) for e, was, now in found
    ]


def test_a_number_that_stays_in_another_currency_is_said_to_be_another_limit() -> None:
    assert LimitChange(None, limit("5000", "USD"), limit("5000", "JPY")).is_by_currency_alone
    assert not LimitChange(None, limit("5000", "USD"), limit("5001", "JPY")).is_by_currency_alone
    assert not LimitChange(None, limit(None, "USD"), limit(None, "JPY")).is_by_currency_alone


@pytest.mark.parametrize(("shown", "text"), [
    (limit(None, "USD"), "none"), (limit("5000", "USD"), "5,000 USD"), (limit("1234567.5", "USD"), "1,234,567.50 USD"),
    (limit("0.5", "EUR"), "0.50 EUR"), (limit("1000", "JPY"), "1,000 JPY"),
])  # fmt: skip
def test_a_limit_is_written_as_people_write_amounts(shown: Limit, text: str) -> None:
    assert str(shown) == text


def test_an_override_that_comes_with_the_change_is_compared_with_none() -> None:
    assert OverrideRecord().differing == []
    assert applied(customer("1"), []) == customer("1")
