"""A bank's own CSV, read by its description: fourteen banks' shapes, and every way in which a file does not fit."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from models.cash.csv_formats import CellError, Decimal, read_amount, read_date
from models.cash.statement_format_requests import CreateStatementFormat
from models.cash.statements import Statement
from models.errors import Refusal
from statement_readers import read_bank_csv
from tests.unit.statements.banks import BANKS, BankCsv

PLAIN: dict[str, Any] = {
    "date_format": "DD/MM/YYYY",
    "decimal": ".",
    "columns": {"date": "Date", "amount": "Amount", "remittance_text": "Text"},
}
HEADER = "Date,Amount,Text\n"
APART = PLAIN | {"columns": {"date": "Date", "debit": "Out", "credit": "In"}}


def read(described: dict[str, Any], content: str | bytes, currency: str = "EUR") -> list[Statement]:
    asked = CreateStatementFormat.model_validate({"name": "mine"} | described)
    data = content.encode() if isinstance(content, str) else content
    return read_bank_csv(io.BytesIO(data), asked.as_format("bank", datetime.now(UTC), "u"), currency)


def refused(described: dict[str, Any], content: str | bytes, currency: str = "EUR") -> tuple[int | None, int | None]:
    with pytest.raises(Refusal) as refusal:
        read(described, content, currency)
    assert refusal.value.code == "STATEMENT_UNREADABLE"
    return refusal.value.extra.get("line"), refusal.value.extra.get("column")


def amounts(described: dict[str, Any], content: str, currency: str = "EUR") -> list[int]:
    return [x.amount_minor for s in read(described, content, currency) for x in s.lines]


@pytest.mark.parametrize("bank", BANKS.values(), ids=BANKS.keys())
def test_the_files_of_banks_are_read_as_they_are(bank: BankCsv):
    (statement,) = read(bank.described, bank.data, bank.currency)
    told = [
        (x.booking_date.isoformat(), x.amount_minor, x.payer, x.reference, x.remittance_text) for x in statement.lines
    ]
    assert told == bank.expected
    assert {x.currency_code for x in statement.lines} == {bank.currency}
    assert [w.code for w in statement.warnings] == bank.warnings
    if bank.balances:
        assert {statement.opening_minor, statement.closing_minor} == set(bank.balances)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks_change_nothing(ending: str, mark: bytes):
    content = mark + f"{HEADER}03/02/2026,12.50,x\n04/02/2026,-1.00,y\n".replace("\n", ending).encode()
    assert [x.amount_minor for x in read(PLAIN, content)[0].lines] == [1250, -100]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_header(delimiter: str):
    assert amounts(PLAIN, f"{HEADER}03/02/2026,12.50,x\n".replace(",", delimiter)) == [1250]


def test_every_text_of_a_row_is_shown():
    content = "Date,Amount,Text,Account of payer,Code\n03/02/2026,12.50,x,DE89370400440532013000,BGC\n"
    (line,) = read(PLAIN, content)[0].lines
    assert [(t.field, t.text) for t in line.texts] == [
        ("remittance_text", "x"), ("Account of payer", "DE89370400440532013000"), ("Code", "BGC"),
    ]  # fmt: skip


def test_a_file_of_several_accounts_is_a_statement_of_each():
    described = PLAIN | {"columns": PLAIN["columns"] | {"account": "Account"}}
    content = "Date,Amount,Text,Account\n03/02/2026,1.00,x,A1\n03/02/2026,2.00,x,B2\n04/02/2026,3.00,x,A1\n"
    assert [(s.account_ref, [x.amount_minor for x in s.lines]) for s in read(described, content)] == [
        ("A1", [100, 300]), ("B2", [200]),
    ]  # fmt: skip


WRONG = {
    "a date in another order": (PLAIN, f"{HEADER}03/02/2026,1.00,x\n03/13/2026,1.00,x\n", (3, 1)),
    "a day that is none": (PLAIN, f"{HEADER}31/02/2026,1.00,x\n", (2, 1)),
    "a decimal comma": (PLAIN, f'{HEADER}03/02/2026,"1.000,00",x\n', (2, 2)),
    "groups of two digits": (PLAIN, f'{HEADER}03/02/2026,"1,00",x\n', (2, 2)),
    "three decimals": (PLAIN, f"{HEADER}03/02/2026,1.005,x\n", (2, 2)),
    "an amount that is a word": (PLAIN, f"{HEADER}03/02/2026,many,x\n", (2, 2)),
    "two signs": (PLAIN, f"{HEADER}03/02/2026,--1.00,x\n", (2, 2)),
    "a delimiter inside of a text": (PLAIN, f"{HEADER}03/02/2026,1.00,x,y\n", (2, 4)),
    "an open quote": (PLAIN, f'{HEADER}03/02/2026,1.00,"x\n', (2, None)),
    "no such header": (PLAIN, "Day,Amount,Text\n03/02/2026,1.00,x\n", (1, None)),
    "a header further down than said": (PLAIN | {"skip_rows": 1}, f"one\ntwo\n{HEADER}", (2, None)),
    "a column twice": (PLAIN, "Date,Amount,Amount,Text\n03/02/2026,1,2,x\n", (1, None)),
    "no date among lines": (PLAIN, f"{HEADER}03/02/2026,1.00,x\n,5.00,y\n04/02/2026,1.00,z\n", (3, 1)),
    "a total among lines": (PLAIN, f"{HEADER}03/02/2026,1.00,x\nTotal,1.00,\n04/02/2026,1.00,z\n", (3, 1)),
    "a debit and a credit": (APART, "Date,Out,In\n03/02/2026,1.00,2.00\n", (2, 3)),
    "a negative credit": (APART, "Date,Out,In\n03/02/2026,,-2.00\n", (2, 3)),
    "another encoding": (PLAIN | {"encoding": "utf-8"}, f"{HEADER}03/02/2026,1.00,".encode() + b"\xfc\n", (2, 17)),
    "a NUL": (PLAIN, f"{HEADER}03/02/2026,1.00,\x00\n", (2, 1)),
    "an empty file": (PLAIN, "\n\n", (1, 1)),
}


@pytest.mark.parametrize(("described", "content", "place"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_refused_with_its_place(described: dict[str, Any], content: str | bytes, place: Any):
    assert refused(described, content) == place


def test_totals_behind_the_last_line_are_left_out_and_told():
    (statement,) = read(PLAIN, f"{HEADER}03/02/2026,1.00,x\nTotal,1.00,\n,,end of the file\n")
    assert [x.amount_minor for x in statement.lines] == [100]
    assert "2 rows without a date" in statement.warnings[0].detail


def test_a_mistyped_date_in_the_last_row_is_no_total():
    assert refused(PLAIN, f"{HEADER}03/02/2026,1.00,x\n3/O2/2026,1.00,x\n") == (3, 1)


def test_balances_that_do_not_follow_are_told():
    described = PLAIN | {"columns": PLAIN["columns"] | {"balance": "Balance"}}
    (statement,) = read(described, "Date,Amount,Text,Balance\n03/02/2026,1.00,x,1.00\n04/02/2026,2.00,x,4.00\n")
    assert [w.code for w in statement.warnings] == ["STATEMENT_BALANCE_DIFFERENCE"]


DATES = [
    ("DD/MM/YYYY", "3/2/2026"), ("MM/DD/YYYY", "02/03/2026"), ("YYYY-MM-DD", "2026-02-03"), ("%Y-%m-%d", "2026-02-03"),
    ("yyyy-MM-dd HH:mm:ss", "2026-02-03 17:01:22"), ("YYYY-MM-DD", "2026-02-03T17:01:22Z"), ("DDMMYYYY", "03022026"),
    ("%d.%m.%y", "03.02.26"), ("D MMM YYYY", "3 Feb 2026"), ("%d-%b-%Y", "03-FEB-2026"), ("DD. MMMM YYYY", "03. Februar 2026"),
    ("dmy", "3.2.2026"), ("mdy", "2-3-2026"), ("ymd", "2026/2/3"), ("DD MMM YY", "03 févr 26"), ("YYYYMMDD", "20260203"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "cell"), DATES)
def test_any_order_and_writing_of_dates(written: str, cell: str):
    assert read_date(written, cell) == date(2026, 2, 3)


@pytest.mark.parametrize(("written", "cell"), [("DD/MM/YYYY", "2026-02-03"), ("DD/MM/YYYY", "03/02/26"), ("YYYYMMDD", "2026023"),
                                               ("D MMM YYYY", "3 Foo 2026"), ("DD/MM/YYYY", "03/02/2026 x")])  # fmt: skip
def test_a_date_written_otherwise_is_refused(written: str, cell: str):
    with pytest.raises(CellError):
        read_date(written, cell)


@pytest.mark.parametrize("written", ["DD/MM", "YYYY", "DD/DD/YYYY", "%d/%m/%q", "day", "DD/MM/YYYY/DD", ""])
def test_a_format_that_names_no_day_month_and_year_is_refused(written: str):
    with pytest.raises(ValidationError):
        CreateStatementFormat.model_validate({"name": "x"} | PLAIN | {"date_format": written})


AMOUNTS = [
    ("1234.56", ".", "1234.56"), ("1,234.56", ".", "1234.56"), ("-1,234,567.00", ".", "-1234567.00"),
    ("1.234,56", ",", "1234.56"),
    ("1 234,56", ",", "1234.56"), ("1'234.56", ".", "1234.56"), ("(12.00)", ".", "-12.00"), ("12.00-", ".", "-12.00"),
    ("12.00 CR", ".", "+12.00"), ("12.00DR", ".", "-12.00"), ("\u221212,00", ",", "-12.00"), ("£12.00", ".", "12.00"),
    ("-£12.00", ".", "-12.00"), ("$ -12.00", ".", "-12.00"), ("EUR 12,00", ",", "12.00"), ("+12.00", ".", "+12.00"),
    (".50", ".", "0.50"), ("1,234", ".", "1234"), ("1.234", ",", "1234"), ("", ".", ""), ("0.00", ".", "0.00"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "decimal", "plain"), AMOUNTS)
def test_amounts_as_banks_write_them(cell: str, decimal: str, plain: str):
    assert read_amount(cell, Decimal(decimal), "EUR") == plain


NO_AMOUNTS = [
    ("1.23.45", "."), ("1,23", "."), ("12,3456.00", "."), ("1.2", ","), ("1,234,56", ","), ("1e3", "."), ("12.", "."), ("-", "."),
    ("(-5)", "."), ("5-+", "."), ("1 2", "."),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "decimal"), NO_AMOUNTS)
def test_amounts_that_are_none_are_refused(cell: str, decimal: str):
    with pytest.raises(CellError):
        read_amount(cell, Decimal(decimal), "EUR")


@pytest.mark.parametrize(
    "wrong",
    [{"columns": {"date": "D"}}, {"columns": {"date": "D", "amount": "A", "credit": "C"}},
     {"columns": {"date": "D", "debit": "A"}},
     {"columns": {"date": "D", "credit": "A", "indicator": "I"}}, {"columns": {"date": 0, "amount": 1}}, {"decimal": ";"},
     {"encoding": "klingon"}, {"delimiter": "ab"}, {"skip_rows": -1}, {"columns": {"date": "D", "amount": "A", "colour": "X"}}],
)  # fmt: skip
def test_descriptions_that_say_nothing_or_two_things_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        CreateStatementFormat.model_validate({"name": "x"} | PLAIN | wrong)


@pytest.mark.parametrize("said", [{"encoding": "UTF8"}, {"encoding": "latin-1"}, {"encoding": "cp1252"}, {"delimiter": "tab"},
                                  {"decimal": "point"}])  # fmt: skip
def test_words_are_understood_in_their_usual_spellings(said: dict[str, str]):
    content = f"{HEADER}03/02/2026,1.00,x\n"
    assert read(PLAIN | said, content.replace(",", "\t") if "delimiter" in said else content)
