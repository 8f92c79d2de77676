"""The texts of a line that came without them, and what a format of a bank's CSV must say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from models.cash.bank_texts import BankText, Role, plain_texts, references_in
from models.cash.csv_formats import CellError, Decimal, folded, read_amount, read_date, read_indicator
from models.cash.statement_format_requests import CreateStatementFormat, statement_format_answer

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "name": "mine",
    "date_format": "DD/MM/YYYY",
    "decimal": ".",
    "columns": {"date": 1, "amount": 2},
}


def test_a_line_without_texts_has_those_of_its_fields() -> None:
    structured, reference = (
        BankText("structured_reference", "RF1", Role.CREDITOR_REFERENCE),
        BankText("reference", "R", Role.REFERENCE),
    )
    text = BankText("remittance_text", "T", Role.TEXT)
    assert plain_texts("R", "T", ["RF1"]) == (structured, reference, text)
    assert (plain_texts(None, None), plain_texts("", "")) == ((), ())
    own, document = BankText("E2E", "O", Role.OWN_REFERENCE), BankText("Nb", "R", Role.DOCUMENT)
    assert references_in([text, own, structured, reference, document, BankText("x", "S")]) == ["O", "RF1", "R"]


@pytest.mark.parametrize(("columns", "code", "said"), [
    ({"date": 1}, "FIELD_REQUIRED", "Either amount, or debit and credit"),
    ({"date": 1, "amount": 2, "credit": 3}, "FIELD_REQUIRED", "Either amount, or debit and credit"),
    ({"date": 1, "debit": 3}, "FIELD_REQUIRED", "The column of credits is missing"),
    ({"date": 1, "debit": 3, "credit": 4, "indicator": 5}, "FIELD_FORMAT", "An indicator goes with an amount"),
])  # fmt: skip
def test_a_format_says_money_in_one_way(columns: dict[str, int], code: str, said: str) -> None:
    with pytest.raises(ValidationError) as no:
        CreateStatementFormat.model_validate(PLAIN | {"columns": columns})
    assert [(e["type"], e["msg"]) for e in no.value.errors()] == [(code, said)]


@pytest.mark.parametrize(("written", "why"), [
    ("DD/MM", "it does not name day, month and year"), ("DD/DD/YYYY", "it names one of them twice"),
    ("DD/QQ/YYYY", "something in it is no part of a date"), ("%d/%q/%Y", "something in it is no part of a date"),
])  # fmt: skip
def test_a_date_format_that_is_none_is_told_why(written: str, why: str) -> None:
    with pytest.raises(ValidationError) as no:
        CreateStatementFormat.model_validate(PLAIN | {"date_format": written})
    said = f"A date format names day, month and year: DD/MM/YYYY, %d/%m/%Y or dmy; {why}"
    assert [(e["type"], e["msg"]) for e in no.value.errors()] == [("DATE_FORMAT_INVALID", said)]


def test_a_format_is_kept_and_shown_as_it_was_described() -> None:
    asked = CreateStatementFormat.model_validate(PLAIN | {
        "delimiter": "tab", "encoding": "Latin-1", "skip_rows": 3, "decimal": "comma",
        "columns": {"date": "Day", "debit": 2, "credit": 3, "currency": 4, "remittance_text": "Text"},
    })  # fmt: skip
    shown = statement_format_answer(asked.as_format("bank", NOW, "u"))
    assert (shown.bank_account_id, shown.name, shown.delimiter, shown.encoding) == ("bank", "mine", "\t", "iso-8859-1")
    assert (shown.skip_rows, shown.date_format, shown.decimal) == (3, "DD/MM/YYYY", Decimal.COMMA)
    assert (shown.created_at, shown.created_by) == (NOW, "u")
    named = {
        name: getattr(shown.columns, name)
        for name in ("date", "debit", "credit", "currency", "remittance_text", "amount")
    }
    assert named == {"date": "Day", "debit": 2, "credit": 3, "currency": 4, "remittance_text": ["Text"], "amount": None}


@pytest.mark.parametrize(("text", "decimal", "currency", "amount"), [
    ("", ",", "EUR", ""), ("1.234,50 EUR", ",", "EUR", "1234.50"), ("EUR 5", ",", "EUR", "5"), ("(5,00)", ",", "EUR", "-5.00"),
    ("5,00-", ",", "EUR", "-5.00"), ("5.00 CR", ".", "USD", "+5.00"), ("5.00 DR.", ".", "USD", "-5.00"),
    ("$-5", ".", "USD", "-5"),
    ("-$5", ".", "USD", "-5"), ("+5", ".", "USD", "+5"), (".5", ".", "USD", "0.5"), ("1'234.5", ".", "CHF", "1234.5"),
    ("5", ".", "", "5"),
])  # fmt: skip
def test_a_cell_is_the_amount_that_its_bank_means(text: str, decimal: str, currency: str, amount: str) -> None:
    assert read_amount(text, Decimal(decimal), currency) == amount


@pytest.mark.parametrize(("text", "why"), [
    ("-(5)", "the amount has two signs."), ("EUR EUR 5", "the amount is no number with the decimal sign ."),
    ("5.", "the amount ends with its decimal sign."), ("1,23", "the amount is no number with the decimal sign ."),
    ("-", "the amount is no number with the decimal sign ."),
])  # fmt: skip
def test_a_cell_that_is_no_amount_is_told_why(text: str, why: str) -> None:
    with pytest.raises(CellError) as no:
        read_amount(text, Decimal.POINT, "EUR")
    assert str(no.value) == why


@pytest.mark.parametrize(("written", "text", "day"), [
    ("DDMMYYYY", "03022026", "2026-02-03"), ("D/M/YY", "3/2/26", "2026-02-03"), ("dmy", "3. 2.2026", None),
    ("mdy", "2-3-2026", "2026-02-03"),
    ("DD MMM YYYY", "3 F\u00e9vr. 2026", "2026-02-03"), ("%Y-%m-%d %H:%M", "2026-02-03 10:30:01", "2026-02-03"),
    ("DDMMYYYY", "3022026", None), ("DD/MM/YYYY", "31/02/2026", None), ("DD MMM YYYY", "3 Foo 2026", None),
])  # fmt: skip
def test_a_cell_is_the_day_that_its_bank_means(written: str, text: str, day: str | None) -> None:
    if day is not None:
        assert read_date(written, text).isoformat() == day
        return
    with pytest.raises(CellError, match=r"^the date is "):
        read_date(written, text)


@pytest.mark.parametrize("text", ["(5", "5)", "5 000 00"])
def test_half_a_bracket_and_broken_groups_are_no_amount(text: str) -> None:
    with pytest.raises(CellError, match="is no number"):
        read_amount(text, Decimal.POINT, "EUR")


def test_words_of_a_description_are_taken_in_any_letters() -> None:
    words = {"Tab": "\t", "\\T": "\t", "COMMA": ",", "semicolon": ";", "Pipe": "|", "~": "~"}
    for word, sign in words.items():
        assert CreateStatementFormat.model_validate(PLAIN | {"delimiter": word}).delimiter == sign
    for word, sign in {"Comma": ",", "POINT": ".", "dot": "."}.items():
        assert CreateStatementFormat.model_validate(PLAIN | {"decimal": word}).decimal == sign
    assert [folded(n) for n in (' \ufeff"Buchungs\u00a0 Tag" ', "'A'", "STRASSE")] == ["buchungs tag", "a", "strasse"]


def test_an_indicator_says_which_way() -> None:
    assert [read_indicator(t) for t in (" cr ", "Haben", "H", "-", "DBIT", "af")] == [1, 1, 1, -1, -1, -1]
    with pytest.raises(CellError, match="neither debit nor credit"):
        read_indicator("x")
