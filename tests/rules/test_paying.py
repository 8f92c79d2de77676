"""Whom a customer pays for: one other at most once a day, never itself, never somebody who pays for it that day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from models.customers.paying import Days, PayingLink, check_periods, circle
from models.customers.records import PaysForRecord

JUNE = date(2026, 6, 1), date(2026, 6, 30)
JULY = date(2026, 7, 1), date(2026, 7, 31)
ALWAYS = None, None


def pays(customer: str, days: tuple[date | None, date | None] = ALWAYS) -> PaysForRecord:
    return PaysForRecord(customer_id=customer, valid_from=days[0], valid_until=days[1])


def links(*said: tuple[str, str, tuple[date | None, date | None]]) -> dict[str, list[PayingLink]]:
    found: dict[str, list[PayingLink]] = {}
    for payer, customer, (first, last) in said:
        link = PayingLink(payer_id=payer, customer_id=customer, valid_from=first, valid_until=last)
        found.setdefault(payer, []).append(link)
    return found


@pytest.mark.parametrize("second", [ALWAYS, JUNE, (date(2026, 6, 30), None), (None, date(2026, 6, 1))])
def test_one_customer_is_not_named_twice_on_one_day(second: tuple[date | None, date | None]):
    with pytest.raises(PydanticCustomError) as refused:
        check_periods([pays("a", JUNE), pays("a", second)])
    assert refused.value.type == "PAYS_FOR_OVERLAP"


def test_one_after_the_other_and_side_by_side_for_others_is_in_order():
    check_periods([pays("a", JULY), pays("a", JUNE), pays("b", JUNE), pays("a", (date(2026, 8, 1), None))])


def test_whoever_pays_for_the_payer_is_a_circle():
    assert circle("a", [pays("b")], links(("b", "a", ALWAYS))) == "b"


def test_a_circle_may_lead_through_others():
    assert circle("a", [pays("x"), pays("b")], links(("b", "c", ALWAYS), ("c", "a", JUNE))) == "b"


@pytest.mark.parametrize(
    "between", [links(("b", "a", JULY)), links(("b", "c", JUNE), ("c", "a", JULY)), links(("b", "c", ALWAYS))]
)
def test_what_never_holds_on_one_day_is_no_circle(between: dict[str, list[PayingLink]]):
    assert circle("a", [pays("b", JUNE)], between) is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.sampled_from([JUNE, JULY, ALWAYS]))))
def test_the_search_ends_whatever_others_have_and_agrees_with_going_day_by_day(
    said: list[tuple[str, str, tuple[date | None, date | None]]],
):
    others = [(p, c, d) for p, c, d in said if p != "a" and p != c]
    found = circle("a", [pays("b")], links(*others))

    def reaches(day: date) -> bool:
        seen, waiting = {"b"}, ["b"]
        while waiting:
            at = waiting.pop()
            nexts = {c for p, c, (first, last) in others if p == at and (first or day) <= day <= (last or day)}
            if "a" in nexts:
                return True
            waiting += nexts - seen
            seen |= nexts
        return False

    assert (found is not None) == any(reaches(day) for day in (JUNE[0], JULY[0], date(2026, 1, 1)))


def test_days_that_do_not_meet_have_nothing_in_common():
    assert Days(*JUNE).within(Days(*JULY)) is None
    assert Days(*JUNE).within(Days(date.min, date(2026, 6, 1))) == Days(JUNE[0], JUNE[0])
