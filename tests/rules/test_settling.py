"""What may be settled without money: earned discounts and their tax, shares of what is carried, authority; pure."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.authority import RANKS, AuthorityKind, AuthorityLimits, Limit
from models.cash.adjustments import (
    AdjustmentKind,
    AskedAdjustment,
    DiscountTerms,
    earned_discount,
    planned,
    tax_of_discount,
)
from models.cash.allocation import Allocation, OpenInvoice
from models.cash.settling import Caller, Granted, settled
from models.errors import Refusal
from tests.rules.refusals import is_sentence

UNTIL = date(2026, 1, 15)
FEE, DISCOUNT, WITHHELD, OFF = (
    AdjustmentKind.BANK_FEE, AdjustmentKind.DISCOUNT, AdjustmentKind.TAX_WITHHELD, AdjustmentKind.WRITE_OFF,
)  # fmt: skip
percents = st.integers(1, 99_999_999).map(lambda n: Decimal(n) / 1_000_000)


def terms(percent: str | Decimal) -> DiscountTerms:
    return DiscountTerms(Decimal(percent), UNTIL)


@pytest.mark.parametrize(("percent", "paid", "total", "taken", "earned"), [
    ("2", 98_00, 100_00, 0, 2_00), ("2", 49_00, 100_00, 0, 1_00), ("2", 49_00, 100_00, 1_00, 1_00),
    ("2", 100_00, 100_00, 0, 2_00), ("2", 49_00, 100_00, 1_50, 50),
    ("2", 49_00, 100_00, 2_00, 0), ("2", 49_00, 100_00, 3_00, 0), ("1", 297_00, 1_000_00, 0, 3_00),
    ("10", 94_50, 105_00, 0, 10_50), ("50", 10, 100, 0, 10), ("2", 0, 100_00, 0, 0), ("2.5", 39_00, 100_00, 0, 1_00),
    ("2", 25, 100_00, 0, 1), ("2", 24, 100_00, 0, 0), ("2", 12_25, 100_00, 0, 25), ("2", 98_00, 10_025, 0, 2_00),
    ("0.000001", 10**12, 10**14, 0, 10**4), ("99", 1, 100, 0, 99),
])  # fmt: skip
def test_a_payment_earns_its_part(percent: str, paid: int, total: int, taken: int, earned: int) -> None:
    assert earned_discount(terms(percent), paid, UNTIL, total, taken) == earned


def test_half_a_cent_goes_to_the_even_side() -> None:
    assert [earned_discount(terms("50"), paid, UNTIL, 10**6, 0) for paid in (1, 2)] == [1, 2]
    twentieth = terms("4.761904")  # p / 20, a little less
    assert earned_discount(twentieth, 30, UNTIL, 10**6, 0) == 1
    assert [earned_discount(terms("20"), paid, UNTIL, 10**6, 0) for paid in (2, 6, 10)] == [0, 2, 2]  # 0.5, 1.5, 2.5


def test_nothing_without_terms_or_a_day_late() -> None:
    assert earned_discount(None, 98_00, UNTIL, 100_00, 0) == 0
    assert earned_discount(terms("2"), 98_00, date(2026, 1, 16), 100_00, 0) == 0


@given(percents, st.integers(1, 10**12), st.lists(st.integers(1, 10**12), min_size=1, max_size=8))
def test_all_payments_together_earn_no_more_than_the_whole(percent: Decimal, total: int, paid: list[int]) -> None:
    taken = 0
    for p in paid:
        earned = earned_discount(terms(percent), p, UNTIL, total, taken)
        assert earned >= 0
        taken += earned
    assert taken <= earned_discount(terms(percent), 10**30, UNTIL, total, 0) <= total


@given(st.integers(1, 10**12), st.data())
def test_parts_of_a_discount_carry_the_tax_of_their_sum(total: int, data: st.DataObject) -> None:
    tax = data.draw(st.integers(0, total))
    parts = data.draw(st.lists(st.integers(1, max(1, total // 4)), min_size=1, max_size=4))
    if sum(parts) > total:
        return
    taken = carried = 0
    for part in parts:
        own = tax_of_discount(part, taken, carried, total, tax)
        assert 0 <= own <= part
        taken, carried = taken + part, carried + own
    assert abs(carried - tax_of_discount(taken, 0, 0, total, tax)) <= 1
    if taken == total:
        assert carried == tax


@pytest.mark.parametrize(("discount", "taken", "tax_taken", "tax"), [
    (6_000, 0, 0, 1_000), (120_000, 0, 0, 20_000), (3, 0, 0, 0), (4, 0, 0, 1), (60_000, 60_000, 10_000, 10_000),
    (60_000, 60_000, 10_001, 9_999), (3, 60_000, 10_001, 0),
])  # fmt: skip
def test_the_tax_in_a_discount(discount: int, taken: int, tax_taken: int, tax: int) -> None:
    """Of an invoice of 1,200.00 with 200.00 of tax."""
    assert tax_of_discount(discount, taken, tax_taken, 120_000, 20_000) == tax


def asked(kind: AdjustmentKind, minor: int) -> AskedAdjustment:
    return AskedAdjustment(kind, minor, "X")


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6), st.integers(0, 10**12), st.booleans())
def test_what_settles_the_invoice_takes_all_it_is_carried_at(parts: list[int], worth: int, settles: bool) -> None:
    open_minor = sum(parts) + (0 if settles else 7)
    made = planned([asked(FEE, p) for p in parts], open_minor, worth)
    taken = sum(p.functional_minor for p in made)
    assert all(p.functional_minor >= 0 for p in made)
    assert taken == worth if settles else taken <= worth


INVOICE = OpenInvoice("i", "c", "le_us", "EUR", date(2026, 1, 1), 100_00, 100_00, 120_00, False)
GRANTED = Granted(
    total_minor=100_00, functional_total_minor=120_00, functional_currency="USD", terms=terms("2"), tax_minor=20_00
)


def settle(
    *parts: tuple[AdjustmentKind, int], paid: int = 90_00, role: str | None = "ar_clerk",
    limits: AuthorityLimits | None = None, **known: object,
) -> Allocation:  # fmt: skip
    """An allocation of 90.00 EUR at 1.20 with these beside it, as the caller's role may have it."""
    worth = paid * 12 // 10
    made = planned([asked(k, m) for k, m in parts], 100_00 - paid, 120_00 - worth)
    a = Allocation(INVOICE, paid, paid, Decimal(1), worth, worth, UNTIL, made)
    return settled(a, replace(GRANTED, **known), UNTIL, Caller(role, limits or AuthorityLimits()))  # type: ignore[arg-type]


def test_an_earned_discount_needs_no_authority_and_carries_its_tax() -> None:
    (x,) = settle((DISCOUNT, 1_83)).adjustments
    assert (x.functional_minor, x.tax_minor, x.functional_tax_minor, x.authorised_minor) == (2_20, 37, 44, 0)


def test_beyond_what_is_earned_the_difference_needs_authority() -> None:
    with pytest.raises(Refusal) as no:
        settle((DISCOUNT, 1_85))
    assert (no.value.code, no.value.extra["allowed_minor"], no.value.extra["role"]) == (
        "DISCOUNT_NOT_EARNED",
        1_84,
        "ar_manager",
    )
    assert (no.value.extra["limit_minor"], no.value.extra["invoice_id"]) == (0, "i")
    assert is_sentence(no.value.detail)
    assert "1.84 EUR for this, 1.85 EUR" in no.value.detail
    (x,) = settle((DISCOUNT, 1_94), role="ar_manager").adjustments
    assert x.authorised_minor == 12  # 0.10 EUR


def test_two_discounts_on_one_line_are_one() -> None:
    first, second = settle((DISCOUNT, 1_00), (DISCOUNT, 94), role="ar_manager").adjustments
    assert (first.authorised_minor, second.authorised_minor) == (0, 12)
    assert (first.tax_minor, second.tax_minor) == (20, 19)
    beyond, all_of_it = settle((DISCOUNT, 1_94), (DISCOUNT, 10), role="ar_manager").adjustments
    assert (beyond.authorised_minor, all_of_it.authorised_minor) == (12, 12)
    with pytest.raises(Refusal):
        settle((DISCOUNT, 1_00), (DISCOUNT, 94))


def test_fees_and_withheld_tax_count_as_paid() -> None:
    settle((FEE, 4_00), (WITHHELD, 4_00), (DISCOUNT, 2_00))
    with pytest.raises(Refusal):
        settle((OFF, 1_00), (DISCOUNT, 2_00))


def test_kinds_have_limits_of_their_own_and_withheld_tax_none() -> None:
    done = settle((FEE, 5_00), (OFF, 1_00), (WITHHELD, 4_00))
    assert [x.authorised_minor for x in done.adjustments] == [6_00, 1_20, 0]
    with pytest.raises(Refusal) as no:
        settle((OFF, 1_01))
    assert (no.value.code, no.value.extra["kind"]) == ("APPROVAL_REQUIRED", "write_off")
    assert no.value.extra == {
        "kind": "write_off", "limit_minor": 1_20, "amount_minor": 1_21, "role": "ar_manager", "invoice_id": "i",
    }  # fmt: skip
    assert is_sentence(no.value.detail)
    assert "A write off of 1.21 USD on" in no.value.detail
    assert "your limit of 1.20 USD: it is up to ar_manager." in no.value.detail


@pytest.mark.parametrize("kind", [DISCOUNT, OFF])
def test_where_nobody_may_give_so_much_nobody_is_named(kind: AdjustmentKind) -> None:
    nothing = AuthorityLimits(limits={k: {role: Limit(0) for role in RANKS} for k in AuthorityKind})
    with pytest.raises(Refusal) as no:
        settle((kind, 5_00), limits=nothing)
    assert no.value.extra["role"] is None
    assert no.value.detail.endswith("is up to nobody alone.")
    assert kind is DISCOUNT or "limit of 0.00 USD" in no.value.detail


@pytest.mark.parametrize(("before", "fits"), [(0, True), (44_00, True), (44_01, False), (50_00, False)])
def test_what_one_gave_before_counts(before: int, fits: bool) -> None:
    if fits:
        settle((FEE, 5_00), given={FEE: before})
    else:
        with pytest.raises(Refusal):
            settle((FEE, 5_00), given={FEE: before})
    settle((FEE, 5_00), given={OFF: 10**9})


@pytest.mark.parametrize("role", [None, "bank_feed", "auditor"])
def test_who_has_no_limits_gives_nothing(role: str | None) -> None:
    with pytest.raises(Refusal) as no:
        settle((FEE, 1), role=role)
    assert (no.value.extra["limit_minor"], no.value.extra["role"]) == (0, "ar_clerk")
