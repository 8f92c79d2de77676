"""When two lines of bank statements are one: by what the bank says, never by their place in a file."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cash.statements import (
    BALANCE_DIFFERENCE,
    LineNumbering,
    Statement,
    StatementLine,
    line_external_id,
    with_balance_check,
)
from models.money import spelt

DAY = date(2026, 3, 10)
LINE = StatementLine(1, DAY, DAY, 1000, "USD", "ACME", "E2E-1", "INV-1", ("RF1",), None)
TEXTS = st.one_of(st.none(), st.text(max_size=8))
LINES = st.builds(
    StatementLine, st.integers(1, 9), st.just(DAY), st.just(DAY), st.sampled_from([1, 2]), st.just("USD"), TEXTS,
    TEXTS, TEXTS, st.lists(st.text(max_size=4), max_size=2).map(tuple),
)  # fmt: skip


@given(LINES, st.integers(1, 10**6))
def test_a_line_is_itself_wherever_it_stands(line, place):
    assert line_external_id("bank_us", replace(line, line=place)) == line_external_id("bank_us", line)


@pytest.mark.parametrize(
    "other",
    [
        {"booking_date": DAY + timedelta(days=1)}, {"amount_minor": 1001}, {"amount_minor": -1000},
        {"currency_code": "EUR"}, {"payer": "Acme Ltd"}, {"reference": "E2E-2"}, {"remittance_text": "INV-2"},
        {"structured_references": ()}, {"occurrence": 2},
    ],
)  # fmt: skip
def test_a_line_that_says_something_else_without_the_banks_reference_is_another(other):
    assert line_external_id("bank_us", replace(LINE, **other)) != line_external_id("bank_us", LINE)


def test_the_same_line_on_another_account_is_another():
    assert line_external_id("bank_us", LINE) != line_external_id("bank_uk", LINE)


def test_what_is_said_in_one_field_is_not_said_in_the_next():
    apart = replace(LINE, payer="a", reference="b"), replace(LINE, payer="b", reference="a")
    assert len({line_external_id("bank_us", x) for x in apart}) == 2
    joined = replace(LINE, structured_references=("a", "b")), replace(LINE, structured_references=("a,b",))
    assert len({line_external_id("bank_us", x) for x in joined}) == 2


def test_an_identity_is_a_text_that_an_external_id_may_be():
    name = line_external_id("bank_us", LINE)
    assert name.startswith("bankline_")
    assert len(name) == 49


@given(st.lists(LINES, max_size=12))
def test_lines_of_one_file_are_numbered_and_every_one_is_told_apart(lines):
    numbering = LineNumbering()
    numbered = [numbering.number(line) for line in lines]
    assert [line.line for line in numbered] == list(range(1, len(lines) + 1))
    assert numbering.count == len(lines)
    assert len({line_external_id("bank_us", line) for line in numbered}) == len(lines)


@given(st.lists(LINES, max_size=8))
def test_the_same_file_again_is_the_same_lines(lines):
    first, second = LineNumbering(), LineNumbering()
    assert [line_external_id("b", first.number(x)) for x in lines] == [
        line_external_id("b", second.number(x)) for x in lines
    ]


def test_identical_lines_are_counted_however_many_stand_between():
    numbering = LineNumbering()
    seen = [numbering.number(x).occurrence for x in (LINE, replace(LINE, amount_minor=1), LINE, LINE)]
    assert seen == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("minor", "reversal", "receipt"), [(1, False, True), (0, False, False), (-1, False, False), (1, True, False)]
)
def test_a_receipt_is_money_that_came_in_from_somebody_else(minor, reversal, receipt):
    assert replace(LINE, amount_minor=minor, reversal=reversal).is_receipt is receipt


def statement(opening: int | None, closing: int | None) -> Statement:
    lines = (LINE, replace(LINE, amount_minor=-300), replace(LINE, amount_minor=5, currency_code="EUR"))
    return Statement(None, None, "USD", opening, closing, None, None, lines)


@pytest.mark.parametrize(("opening", "closing"), [(100, 800), (None, 800), (100, None), (-700, 0)])
def test_balances_that_agree_or_are_not_told_are_no_warning(opening, closing):
    assert with_balance_check(statement(opening, closing)).warnings == ()


@pytest.mark.parametrize(("closing", "difference"), [(801, "0.01"), (799, "-0.01"), (123_805, "1,230.05")])
def test_balances_that_do_not_agree_are_a_warning(closing, difference):
    (warning,) = with_balance_check(statement(100, closing)).warnings
    assert warning.code == BALANCE_DIFFERENCE
    assert warning.detail == (
        f"Opening balance 1.00 USD plus lines 7.00 USD is 8.00 USD, but the closing balance is {spelt(closing, 'USD')} "
        f"(difference {difference} USD)."
    )
