"""A row of a bank's own CSV in full: every column, its place among the texts, and every way in which a row is wrong."""

from datetime import date
from typing import Any

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.statements import ENTRY_IGNORED, StatementLine
from models.errors import Refusal
from tests.unit.statements.test_bank_csv import APART, HEADER, PLAIN, read

FULL: dict[str, Any] = {
    "date_format": "YYYY-MM-DD", "decimal": ".",
    "columns": {
        "date": "Day", "value_date": "Valued", "amount": "Sum", "indicator": "Way", "currency": "Money", "payer": "Who",
        "reference": "Ref", "bank_reference": "Bank ref", "remittance_text": ["Text", "More"], "balance": "Left",
        "account": "Account",
    },
}  # fmt: skip
HEAD = "Day,Valued,Sum,Way,Money,Who,Ref,Bank ref,Text,More,Left,Account,Code\n"
ROW = "2026-02-03,2026-02-04,12.50,C,usd,Ann,R-1,B-1, one ,two,100.00,77,BGC\n"
"""Everything, of a file in another currency than the account's."""


def said(described: dict[str, Any], content: str) -> str:
    """What a person is told of a file that is refused."""
    with pytest.raises(Refusal) as refusal:
        read(described, content)
    return str(refusal.value.detail)


def test_every_column_of_a_row() -> None:
    [statement] = read(FULL, HEAD + ROW + ROW.replace(",C,", ",D,").replace("100.00", "87.50"))
    first, second = statement.lines
    assert first == StatementLine(
        line=1, booking_date=date(2026, 2, 3), value_date=date(2026, 2, 4), amount_minor=1250, currency_code="USD", payer="Ann",
        reference="R-1", remittance_text="one two", bank_ref="B-1",
    )  # fmt: skip
    assert first.texts == (
        BankText("Ref", "R-1", Role.REFERENCE), BankText("remittance_text", "one two", Role.TEXT), BankText("Who", "Ann"),
        BankText("Way", "C"), BankText("Money", "usd"), BankText("Bank ref", "B-1"), BankText("Account", "77"),
        BankText("Code", "BGC"),
    )  # fmt: skip
    assert (second.amount_minor, statement.account_ref, statement.currency_code) == (-1250, "77", "USD")
    assert (statement.opening_minor, statement.closing_minor, statement.warnings) == (8750, 8750, ())


def test_what_may_be_left_out_of_a_row() -> None:
    bare = "2026-02-03,,-12.50,D,,Ann,,,,,,,\n"
    [line] = read(FULL, HEAD + bare)[0].lines
    assert (line.value_date, line.amount_minor, line.currency_code) == (date(2026, 2, 3), -1250, "EUR")
    assert (line.remittance_text, line.bank_ref, line.reference) == (None, None, None)
    assert line.texts == (BankText("Who", "Ann", Role.NAME), BankText("Way", "D"))
    shown = BankText("Who", "Ann", Role.SHOWN)
    for said_too in (bare.replace("Ann,,,", "Ann,R,,"), bare.replace("Ann,,,", "Ann,,,x")):
        assert shown in read(FULL, HEAD + said_too)[0].lines[0].texts


def test_columns_by_their_places() -> None:
    described = PLAIN | {"columns": {"date": 1, "amount": 2, "remittance_text": 4}, "delimiter": ","}
    [line] = read(described, "03/02/2026,1.00,x,text\n")[0].lines
    assert line.texts == (BankText("remittance_text", "text", Role.TEXT), BankText("column 3", "x"))
    assert said(described, "03/02/2026,1.00,x\n") == "line 1, column 4: 3 fields where there should be 4."
    two = "03/02/2026,1.00,x,text\n03/02/2026,1.00,x,text,more\n"
    assert said(described, two) == "line 2, column 5: 5 fields where the first line has 4."
    assert len(read(PLAIN, f"{HEADER}03/02/2026,1.00,x,,\n")[0].lines) == 1
    long = f"Date,Amount,Text,{'h' * 101}\n03/02/2026,1.00,x,y\n"
    assert read(PLAIN, long)[0].lines[0].texts[1] == BankText("h" * 100, "y")


def test_debits_and_credits_in_columns_of_their_own() -> None:
    rows = ("5.00,", "-5.00,", ",5.00", "0.00,5.00", "5.00,0.00", "0.00,", ",0.00")
    content = "Date,Out,In\n" + "".join(f"03/02/2026,{row}\n" for row in rows)
    lines = read(APART, content)[0].lines
    assert [x.amount_minor for x in lines] == [-500, -500, 500, 500, -500, 0, 0]
    assert {x.texts for x in lines} == {()}


FAULTS = [
    (ROW.replace("usd", "xau"), "line 2, column 5: the currency is not an ISO 4217 code in use."),
    (ROW.replace("12.50,C", "-12.50,C"), "line 2, column 3: a negative amount that is called a credit."),
    (ROW.replace("12.50", "12.505"), "line 2, column 3: the amount has more than 2 decimals for USD."),
    (ROW.replace("100.00", "1.005"), "line 2, column 11: the balance has more than 2 decimals for USD."),
    (ROW + "Total\n" + ROW + ROW, "line 3, column 1: a row without a date stands among the lines."),
    (ROW.removesuffix(",BGC\n"), "line 2, column 13: 12 fields where there should be 13."),
    (ROW.replace("BGC", "B,C"), "line 2, column 14: 14 fields where there should be 13."),
]


@pytest.mark.parametrize(("row", "told"), FAULTS)
def test_a_fault_of_a_row_is_told_at_its_place(row: str, told: str) -> None:
    assert said(FULL, HEAD + row) == told


def test_cells_that_are_no_date_amount_or_indicator_name_their_column() -> None:
    cells = {1: "2026-02-03", 2: "2026-02-04", 3: "12.50", 4: ",C,", 11: "100.00"}
    for column, cell in cells.items():
        wrong = ",?!," if column == 4 else "1?"
        told = said(FULL, HEAD + ROW.replace(cell, wrong) + (ROW if column == 1 else ""))
        assert told.startswith(f"line 2, column {column}: ")
        assert not told.endswith((": ", "None"))


def test_headers_and_sides_that_say_two_things() -> None:
    twice = "line 1: the header has the column Amount more than once; name it by its place."
    assert said(PLAIN, "Date,Amount,Amount,Text\n03/02/2026,1,2,x\n") == twice
    assert said(APART, "Date,Out,In\n03/02/2026,1.00,2.00\n") == "line 2, column 3: the row has a debit and a credit."
    assert said(APART, "Date,Out,In\n03/02/2026,,-2.00\n") == "line 2, column 3: a credit is negative."


def test_rows_that_are_no_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ",0.00,opening\n,,\n,0.00,again\n03/02/2026,1.00,x\n03/02/2026,,note\nTotal,1.00,\n,,end\n"
    [statement] = read(PLAIN, HEADER + rows)
    assert [(w.code, w.detail) for w in statement.warnings] == [
        (ENTRY_IGNORED, "3 rows without an amount were left out."),
        (ENTRY_IGNORED, "2 rows without a date behind the last line (from line 7) were left out."),
    ]  # fmt: skip
    monkeypatch.setattr("statement_readers.bank_csv_rows.MAX_LINES", 1)
    assert len(read(PLAIN, HEADER + rows)[0].lines) == 1
    many = said(PLAIN, f"{HEADER}03/02/2026,1.00,x\n03/02/2026,1.00,y\n")
    assert many == "line 3: the file has more than 1 lines."
