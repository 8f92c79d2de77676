"""Months that are open or closed, and the day on which an entry is dated."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.periods import entry_date, explicit_entry_date, first_of_next, last_day, period_of
from models.errors import Refusal

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
MONTHS = st.sets(st.dates(date(2020, 1, 1), date(2031, 12, 31)).map(period_of), max_size=20)


@given(DAYS)
def test_months_follow_one_another_without_a_gap(day):
    following = first_of_next(day)
    assert following.day == 1
    assert following - timedelta(days=1) == last_day(period_of(day))
    assert period_of(last_day(period_of(day))) == period_of(day) == f"{day.year:04}-{day.month:02}"
    assert period_of(following) > period_of(day)


@pytest.mark.parametrize(("period", "last"), [("2024-02", 29), ("2026-02", 28), ("2026-12", 31), ("2026-04", 30)])
def test_a_month_ends_on_its_last_day(period, last):
    assert last_day(period).day == last


@given(DAYS, MONTHS)
def test_an_entry_is_dated_as_wanted_or_on_the_first_day_of_the_first_open_month_after(wanted, closed):
    day = entry_date(wanted, closed)
    assert period_of(day) not in closed
    if period_of(wanted) not in closed:
        assert day == wanted
    else:
        assert day > wanted
        assert day.day == 1
        month = wanted
        while month < day:
            assert period_of(month) in closed
            month = first_of_next(month)


def test_a_date_asked_for_is_kept_or_refused():
    wanted, other = date(2026, 3, 15), date(2026, 2, 1)
    assert explicit_entry_date(wanted, other, {"2026-02"}) == wanted
    assert explicit_entry_date(None, other, {"2026-02"}) == date(2026, 3, 1)
    with pytest.raises(Refusal) as refused:
        explicit_entry_date(wanted, other, {"2026-03"})
    assert (refused.value.code, refused.value.extra) == ("PERIOD_CLOSED", {"period": "2026-03"})
    assert "2026-03" in refused.value.detail
