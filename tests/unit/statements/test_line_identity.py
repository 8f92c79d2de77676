"""The same line is the same payment however often it is delivered; two lines are two payments."""

from dataclasses import replace
from datetime import date

import pytest

from models.cash.statements import LineNumbering, StatementLine, line_external_id

LINE = StatementLine(1, date(2026, 3, 2), date(2026, 3, 3), 1000, "EUR", "ACME", "E2E", "INV-7", ("INV-7",), "B1")


def test_the_place_in_the_file_does_not_matter():
    assert line_external_id("bank_us", LINE) == line_external_id("bank_us", replace(LINE, line=99))


@pytest.mark.parametrize(
    "change",
    [
        {"booking_date": date(2026, 3, 1)},
        {"value_date": date(2026, 3, 4)},
        {"amount_minor": 1001},
        {"amount_minor": -1000},
        {"currency_code": "USD"},
        {"payer": "ACM"},
        {"payer": None},
        {"reference": "E2"},
        {"remittance_text": "INV-8"},
        {"structured_references": ("INV", "7")},
        {"structured_references": ()},
        {"bank_ref": None},
        {"occurrence": 2},
        {"reversal": True},
        {"payer": "ACME E2E", "reference": None},
    ],
)
def test_everything_the_bank_says_matters(change):
    assert line_external_id("bank_us", LINE) != line_external_id("bank_us", replace(LINE, **change))


def test_the_bank_account_matters():
    assert line_external_id("bank_us", LINE) != line_external_id("bank_uk", LINE)


def test_the_identity_is_kept_across_releases():
    """It is stored with every payment: changing it would record every redelivered line again."""
    assert line_external_id("bank_us", LINE) == "bankline_b4b7f32374dca68d25e3c3cc736e4214ba2b7093"


def test_identical_lines_are_told_apart_by_occurrence_and_others_are_not():
    numbering = LineNumbering()
    other = replace(LINE, payer="Beta")
    numbered = [numbering.number(line) for line in (LINE, other, LINE, LINE, other)]
    assert [line.line for line in numbered] == [1, 2, 3, 4, 5]
    assert [line.occurrence for line in numbered] == [1, 1, 2, 3, 2]
    assert len({line_external_id("bank_us", line) for line in numbered}) == 5
