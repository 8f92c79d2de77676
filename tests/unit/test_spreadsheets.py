"""One rule for every CSV: no cell that a spreadsheet would run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.csv_answer import safe
from models.spreadsheets import defused, undone


@pytest.mark.parametrize(
    "cell",
    ["=1", "+1", "-1", "@x", "|x", "\t=1", "\r=1", "\n1", " =1", "\u00a0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
     "\u3000=1", "\u00a0\uff1d1", "\u200b=1", "\ufeff=1", "\u2007+1", "\ufe661", "\ufe621", "\ufe631", "\ufe6bx", "\u22121",
     "\u2003@x", "\x00=1", "\u202e=1", "\u0301=1", "\u207c1", "'=1", "''\u00a0=1"],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert safe(cell) == defused(cell) == "'" + cell
    assert undone(defused(cell)) == cell


@pytest.mark.parametrize("cell", ["", "a", "1", "a=1", "1-2", "Müller", "(=1)", "\u00a0a", "'a", "日本", "“=”"])
def test_what_it_would_not_stays_as_it_is(cell: str) -> None:
    assert safe(cell) == defused(cell) == cell


def test_figures_stay_figures() -> None:
    assert (safe(-5), safe(None), safe(1.5)) == (-5, "", 1.5)


@given(st.text())
def test_whatever_goes_out_comes_back(text: str) -> None:
    assert undone(defused(text)) == text
