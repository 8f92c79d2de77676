"""Dates, amounts and terms as people in the US and the UK say them: read in one way, or asked back."""

from datetime import date
from decimal import Decimal

import pytest

from models.conversation.words import Amount, Terms, amount_of, date_of, terms_of

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("2026-04-03", date(2026, 4, 3)),
        ("3 April", date(2027, 4, 3)),
        ("3 April 2026", date(2026, 4, 3)),
        ("April 3rd, 2026", date(2026, 4, 3)),
        ("the 3rd of April 2026", date(2026, 4, 3)),
        ("Nov 27", date(2026, 11, 27)),
        ("27 Sept 2026", date(2026, 9, 27)),
        ("25/4/2026", date(2026, 4, 25)),
        ("4/25/26", date(2026, 4, 25)),
        ("4/4/2026", date(2026, 4, 4)),
        ("today", TODAY),
        ("Yesterday", date(2026, 11, 27)),
        ("tomorrow", date(2026, 11, 29)),
        ("29 Feb 2028", date(2028, 2, 29)),
    ],
)
def test_a_day(words: str, day: date) -> None:
    assert date_of(words, TODAY).value == day


@pytest.mark.parametrize("words", ["3/4", "3/4/2026", "03.04.2026", "11-12", "1/2/26"])
def test_a_day_that_the_us_and_the_uk_read_differently_is_asked_back(words: str) -> None:
    found = date_of(words, TODAY)
    assert found.value is None
    assert " or " in str(found.question)


def test_the_question_names_both_days() -> None:
    assert date_of("3/4/2026", TODAY).question == "“3/4/2026” is read in two ways: 4 March 2026 or 3 April 2026?"


@pytest.mark.parametrize("words", ["soon", "31 February", "32/13", "next Friday", "", "April", "ma 3"])
def test_what_is_no_day_is_asked_back(words: str) -> None:
    found = date_of(words, TODAY)
    assert (found.value, bool(found.question)) == (None, True)


@pytest.mark.parametrize(
    ("words", "minor", "currency"),
    [
        ("a hundred thousand dollars", 10_000_000, "USD"),
        ("one hundred and twenty-five pounds", 12_500, "GBP"),
        ("$1,234.50", 123_450, "USD"),
        ("1,234.50 USD", 123_450, "USD"),
        ("GBP 1,234", 123_400, "GBP"),
        ("£1.2k", 120_000, "GBP"),
        ("1.5 million euros", 150_000_000, "EUR"),
        ("2m dollars", 200_000_000, "USD"),
        ("five grand sterling", 500_000, "GBP"),
        ("1.234,50 EUR", 123_450, "EUR"),
        ("5000 yen", 5_000, "JPY"),
        ("KWD 1.5", 1_500, "KWD"),
        ("twenty pounds", 2_000, "GBP"),
        ("two million three hundred thousand dollars", 230_000_000, "USD"),
        ("$0.01", 1, "USD"),
        ("a dollar", 100, "USD"),
        ("about US$5mn", 500_000_000, "USD"),
        ("$1,234.", 123_400, "USD"),
    ],
)
def test_an_amount(words: str, minor: int, currency: str) -> None:
    assert amount_of(words).value == Amount(minor, currency)


@pytest.mark.parametrize(
    "words",
    ["1.234 EUR", "twelve fifty dollars", "a lot of dollars", "$", "0.001 USD", "$0", "5 dollars or pounds", "1,23 EUR",
     "99999999999999999999 USD", "dollars", "", "12 13 USD", "minus five dollars", "five five dollars",
     "twenty ten dollars"],
)  # fmt: skip
def test_what_is_no_one_amount_is_asked_back(words: str) -> None:
    found = amount_of(words)
    assert (found.value, bool(found.question)) == (None, True)


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("1.234 KWD", "“1.234 KWD” can be read in several ways. How much is it, as in 1,234.50?"),
        ("12 five USD", "“12 five USD” can be read in several ways. How much is it, as in 1,234.50?"),
        ("lots of USD", "“lots of USD” is not understood. How much is it, as in 1,234.50?"),
        ("dollars", "How much is “dollars”?"),
        ("0.001 USD", "“0.001 USD” can be read in several ways. How much is it, as in 1,234.50?"),
        ("$0", "“$0” is no amount of USD. How much is it?"),
        ("5 dollars or pounds", "“5 dollars or pounds” names USD and GBP. Which currency is it?"),
    ],
)
def test_the_question_says_what_is_missing(words: str, question: str) -> None:
    assert amount_of(words).question == question


def test_a_currency_that_goes_without_saying() -> None:
    assert amount_of("five hundred", "GBP").value == Amount(50_000, "GBP")
    assert amount_of("five hundred").question == "In which currency is “five hundred”?"


@pytest.mark.parametrize(
    ("words", "terms"),
    [
        ("net 45", Terms(45)),
        ("NET45", None),
        ("Net-30", Terms(30)),
        ("45 days", Terms(45)),
        ("net forty-five", Terms(45)),
        ("n/30", Terms(30)),
        ("due in 60 days", Terms(60)),
        ("2/10 net 30", Terms(30, Decimal(2), 10)),
        ("1.5%/15, net 45", Terms(45, Decimal("1.5"), 15)),
        ("due on receipt", Terms(0)),
        ("on receipt", Terms(0)),
        ("Cash on delivery", Terms(0)),
        ("immediately", Terms(0)),
        ("net 0", Terms(0)),
        ("net 3650", Terms(3650)),
        ("2/30 net 30", Terms(30, Decimal(2), 30)),
        ("0.5/1 net 3650", Terms(3650, Decimal("0.5"), 1)),
    ],
)
def test_terms(words: str, terms: Terms | None) -> None:
    found = terms_of(words).value
    assert found == (terms or Terms(45))
    assert found is not None
    assert found.code == f"NET{found.days}"


@pytest.mark.parametrize(
    "words", ["soon", "30 days end of month", "net", "net 99999", "net 3651", "45", "net thirty five forty", "", "2/31 net 30",
              "0/10 net 30", "100/10 net 30", "2/10 net 3651"],
)  # fmt: skip
def test_terms_that_are_not_plain_are_asked_back(words: str) -> None:
    assert terms_of(words).question
