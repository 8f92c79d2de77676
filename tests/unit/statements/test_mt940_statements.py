"""MT940, on statements that banks wrote (tests/data/bank) and on broken ones."""

from datetime import date

import pytest

from models.cash.statements import BALANCE_DIFFERENCE, DATE_ADJUSTED, ENCODING_GUESSED, ENTRY_IGNORED
from statement_readers import detect_and_read

MESSAGE = """:20:REF1
:25:NL71RABO0123456789
:28C:7/1
:60F:C260301EUR100,00
:61:2603020302C12,34NTRFE2E-1//BANK-1
:86:/EREF/E2E-1/NAME/ACME BV/REMI/INV-7
:61:2603020302RC2,34NTRFNONREF
:86:returned
:62F:C260302EUR110,00
-
"""


def test_a_message_is_read(read):
    [statement] = read(MESSAGE, "march.sta")
    assert (statement.account_ref, statement.statement_ref, statement.currency_code) == (
        "NL71RABO0123456789",
        "7/1",
        "EUR",
    )
    assert (statement.opening_minor, statement.closing_minor, statement.warnings) == (10000, 11000, ())
    assert (statement.from_date, statement.to_date) == (date(2026, 3, 1), date(2026, 3, 2))
    credit, returned = statement.lines
    assert (credit.amount_minor, credit.payer, credit.reference, credit.bank_ref) == (
        1234,
        "ACME BV",
        "E2E-1",
        "BANK-1",
    )
    assert "INV-7" in credit.remittance_text
    assert (returned.amount_minor, returned.reversal, returned.reference) == (-234, True, None)


def test_messages_of_one_file_stay_apart(read):
    first, second = read(MESSAGE + MESSAGE.replace("7/1", "8/1"))
    assert (first.statement_ref, second.statement_ref) == ("7/1", "8/1")
    assert [line.line for line in second.lines] == [3, 4]
    assert [line.occurrence for line in second.lines] == [2, 2]


@pytest.mark.parametrize(
    ("name", "statements", "lines", "credits"),
    [
        ("mt940-abnamro.sta", 2, 10, 0),
        ("mt940-ing.sta", 1, 7, 2),
        ("mt940-knab.sta", 2, 3, 2),
        ("mt940-rabobank-iban.sta", 2, 4, 0),
        ("mt940-triodos.sta", 1, 2, 0),
    ],
)
def test_statements_as_banks_write_them_are_read_whole(bank_files, name, statements, lines, credits):
    read = detect_and_read(bank_files / name)
    assert len(read) == statements
    assert sum(len(statement.lines) for statement in read) == lines
    assert sum(line.amount_minor > 0 for statement in read for line in statement.lines) == credits


def test_a_bank_statement_that_adds_up_has_no_warning_and_one_that_does_not_has(bank_files):
    assert all(not statement.warnings for statement in detect_and_read(bank_files / "mt940-rabobank-iban.sta"))
    good, bad = detect_and_read(bank_files / "mt940-knab.sta")
    assert good.warnings == ()
    assert [warning.code for warning in bad.warnings] == [BALANCE_DIFFERENCE]
    assert bad.lines[0].remittance_text == "FACTUUR 201403110, 201403113 REK: NL65INGB0123456789/NAAM: PICQER"


def test_what_follows_the_closing_balance_is_no_part_of_a_line(bank_files):
    [statement] = detect_and_read(bank_files / "mt940-ing.sta")
    assert (statement.lines[-1].remittance_text or "").endswith("22-07-2010")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (":62F:C260302EUR110,00\n-\n", "", 8),
        (":62F:C260302EUR110,00", ":62F:C260302EU", 9),
        (":60F:C260301EUR100,00", "", 1),
        (":61:2603020302C12,34NTRF", ":61:2603020302X12,34NTRF", 5),
        (":61:2603020302C12,34NTRF", ":61:2603020302C,NTRF", 5),
        (":61:2603020302C12,34NTRF", ":61:2613020302C12,34NTRF", 1),
        ("C12,34N", "C12,345N", 1),
        ("C12,34N", "C999999999999999,N", 1),
        (":60F:C260301EUR", ":60F:C269901EUR", 1),
        ("EUR", "XXQ", 1),
    ],
)
def test_a_broken_message_is_refused_and_never_read_in_part(refused, old, new, line):
    assert refused("\n\n" + MESSAGE.replace(old, new)).extra["line"] == line + 2


def test_every_cut_of_a_message_is_refused(refused):
    for end in range(6, MESSAGE.rindex("EUR110,00") + 4):
        refused(MESSAGE[:end], "march.sta")


def test_expected_entries_are_left_out_with_a_warning(read):
    expected = MESSAGE.replace("0302RC2,34", "0302EC2,34").replace("EUR110,00", "EUR112,34")
    [statement] = read(expected)
    assert len(statement.lines) == 1
    assert [warning.code for warning in statement.warnings] == [ENTRY_IGNORED]


def test_a_day_that_february_lacks_is_a_warning(read):
    [statement] = read(MESSAGE.replace(":61:2603020302C", ":61:2602300302C"))
    assert statement.lines[0].value_date == date(2026, 2, 28)
    assert [warning.code for warning in statement.warnings] == [DATE_ADJUSTED]


def test_an_old_encoding_is_read_with_a_warning(read):
    [statement] = read(MESSAGE.replace("ACME BV", "Müller").encode("cp1252"))
    assert statement.lines[0].payer == "Müller"
    assert [warning.code for warning in statement.warnings] == [ENCODING_GUESSED]


@pytest.mark.parametrize("mark", ["C", "D", "RC", "RD"])
def test_an_entry_date_that_is_left_blank_is_the_value_date(read, mark):
    [plain] = read(MESSAGE.replace("2603020302C12,34", f"260302{mark}12,34"))
    [blank] = read(MESSAGE.replace("2603020302C12,34", f"260302    {mark}12,34"))
    assert blank.lines == plain.lines
    assert blank.lines[0].booking_date == date(2026, 3, 2)


def test_a_blank_in_another_place_is_refused(refused):
    refused(MESSAGE.replace("2603020302C12,34", "2603  0302C12,34"))


def test_a_returned_item_is_a_receipt_given_back(read):
    [statement] = read(MESSAGE.replace("C12,34NTRF", "D12,34NRTI").replace("RC2,34NTRF", "C2,34NRTI"))
    assert [line.reversal for line in statement.lines] == [True, False]


def test_a_line_outside_of_any_message_is_refused(refused):
    """Its message has lost its head; what belongs to it would be left out without a word."""
    stray = ":61:2603020302C99,00NTRFNONREF//B9\n:86:INV-9\n"
    assert refused(MESSAGE + stray).extra["line"] == MESSAGE.count("\n") + 1
    assert refused(stray + MESSAGE).extra["line"] == 1


def test_a_blank_before_the_kind_of_a_line_is_read(read):
    [plain] = read(MESSAGE)
    [blank] = read(MESSAGE.replace("C12,34NTRF", "C12,34 NTRF"))
    assert blank.lines == plain.lines
