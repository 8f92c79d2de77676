"""Buckets of what is due, and what stands against it."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.aging import BUCKETS, Aged, bucket, split_funds, summed
from models.cash.report_answers import by_currency

AMOUNTS = st.integers(-(10**12), 10**12)
AGED = st.builds(
    lambda parts, disputed, unapplied, credit, notes: Aged(
        dict(zip(BUCKETS, parts, strict=True)), disputed, unapplied, credit, notes
    ),
    st.lists(AMOUNTS, min_size=5, max_size=5), AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS,
)  # fmt: skip


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (-400, "not_due_minor"), (-1, "not_due_minor"), (0, "not_due_minor"),
        (1, "overdue_1_29_minor"), (29, "overdue_1_29_minor"),
        (30, "days_30_minor"), (59, "days_30_minor"),
        (60, "days_60_minor"), (89, "days_60_minor"),
        (90, "days_90plus_minor"), (4000, "days_90plus_minor"),
    ],
)  # fmt: skip
def test_a_balance_stands_in_the_bucket_of_its_days_past_due(days, name):
    assert bucket(days) == name
    aged = Aged()
    aged.add(days, 7)
    assert {n for n, minor in aged.buckets.items() if minor} == {name}


@given(st.lists(st.tuples(st.integers(-500, 500), AMOUNTS, st.booleans())))
def test_nothing_is_lost_among_the_buckets(balances):
    aged = Aged(unapplied_minor=3, credits_minor=5)
    for days, minor, disputed in balances:
        aged.add(days, minor, minor if disputed else 0)
    said = aged.as_dict()
    total = sum(minor for _, minor, _ in balances)
    assert aged.total_minor == said["total_minor"] == total
    named = ("current_minor", "days_30_minor", "days_60_minor", "days_90plus_minor")
    assert sum(said[n] for n in named) == total
    assert said["current_minor"] == said["not_due_minor"] + said["overdue_1_29_minor"]
    assert said["current_minor"] == sum(minor for days, minor, _ in balances if days < 30)
    assert said["days_30_minor"] == sum(minor for days, minor, _ in balances if 30 <= days < 60)
    assert said["days_60_minor"] == sum(minor for days, minor, _ in balances if 60 <= days < 90)
    assert said["days_90plus_minor"] == sum(minor for days, minor, _ in balances if days >= 90)
    assert said["disputed_minor"] == sum(minor for _, minor, disputed in balances if disputed)
    assert (said["unapplied_minor"], said["credits_minor"], said["net_minor"]) == (3, 5, total - 8)


@given(st.lists(AGED, max_size=6))
def test_several_together_are_the_sum_of_each_figure(parts):
    total = summed(parts).as_dict()
    assert total == {n: sum(p.as_dict()[n] for p in parts) for n in total}


@given(st.dictionaries(st.sampled_from(["USD", "EUR", "JPY"]), AGED))
def test_currencies_stand_side_by_side_in_order(aged):
    shown = by_currency(aged)
    assert [one.currency_code for one in shown] == sorted(aged)
    assert all(
        asdict(one) == {"currency_code": one.currency_code, **aged[one.currency_code].as_dict()} for one in shown
    )


@given(AMOUNTS, AMOUNTS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_what_is_left_of_a_payment_is_divided_without_loss(left, worth, in_credits, credits_worth):
    funds = split_funds(left, worth, in_credits, credits_worth)
    assert funds.unapplied_minor + funds.credits_minor == left
    assert funds.functional_unapplied_minor + funds.functional_credits_minor == worth
    assert funds.credits_minor == max(0, min(left, in_credits)), "a credit holds no more than was left, and all of that"


def test_receivables_carry_what_is_open_less_the_open_credit_notes():
    aged = Aged(unapplied_minor=3, credits_minor=5)
    aged.add(10, 100)
    aged.put_notes(20)
    aged.put_notes(1)
    assert (aged.total_minor, aged.owed_minor, aged.as_dict()["net_minor"]) == (100, 79, 71)


def test_a_credit_that_holds_all_that_is_left_holds_its_worth():
    assert split_funds(100, 90, 100, 88) == split_funds(100, 90, 150, 120)
    assert split_funds(100, 90, 100, 88).functional_credits_minor == 90
    part = split_funds(101, 90, 100, 88)
    assert (part.functional_unapplied_minor, part.functional_credits_minor) == (2, 88)
    assert split_funds(0, 0, 0, 0).credits_minor == 0
