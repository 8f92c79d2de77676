"""CSV statements: strict about what is money, lenient about nothing else either, and exact about where."""

import pytest

from statement_readers import detect_and_read

HEAD = "date,amount,currency,payer,reference,remittance_text\n"


def test_a_csv_statement_is_read(read):
    text = (
        "\ufeff" + HEAD + '2026-03-02,1234.56,EUR,"Acme, Inc.",E2E-1,"INV-7\nand INV-8"\n'
        "\n2026-03-01,-10,EUR,,,fees\r\n2026-03-04,1500,EUR,Ünal,,\n"
    )
    [statement] = read(text, "march.csv", "text/csv; charset=utf-8")
    assert [line.amount_minor for line in statement.lines] == [123456, -1000, 150000]
    assert [line.line for line in statement.lines] == [1, 2, 3]
    first = statement.lines[0]
    assert (first.payer, first.reference, first.remittance_text) == ("Acme, Inc.", "E2E-1", "INV-7 and INV-8")
    assert (statement.from_date.isoformat(), statement.to_date.isoformat()) == ("2026-03-01", "2026-03-04")
    assert (statement.currency_code, statement.opening_minor, statement.closing_minor) == ("EUR", None, None)
    assert statement.lines[2].payer == "Ünal"


def test_columns_may_stand_in_any_order_and_the_last_three_may_be_missing(read):
    [statement] = read("Currency,AMOUNT,date\nJPY,1500,2026-03-02\nUSD,1.50,2026-03-02\n")
    assert [(line.amount_minor, line.currency_code) for line in statement.lines] == [(1500, "JPY"), (150, "USD")]
    assert statement.currency_code is None


def test_a_header_alone_is_a_statement_without_lines(read):
    [statement] = read(HEAD)
    assert statement.lines == ()


@pytest.mark.parametrize(
    ("row", "line", "column"),
    [
        ("2026-03-02,1.234,EUR,,,", 3, 2),
        ("2026-03-02,NaN,EUR,,,", 3, 2),
        ("2026-03-02,inf,EUR,,,", 3, 2),
        ("2026-03-02,1e5,EUR,,,", 3, 2),
        ('2026-03-02,"1,234.56",EUR,,,', 3, 2),
        ("2026-03-02,,EUR,,,", 3, 2),
        ("2026-03-02,92233720368547758.08,EUR,,,", 3, 2),
        ("2026-03-02," + "9" * 400 + ",EUR,,,", 3, 2),
        ("2026-03-02,0.5,JPY,,,", 3, 2),
        ("2026-03-02,1.00,,,,", 3, 3),
        ("2026-03-02,1.00,eur,,,", 3, 3),
        ("02/03/2026,1.00,EUR,,,", 3, 1),
        ("2026-02-30,1.00,EUR,,,", 3, 1),
        ("2026-03-02T00:00:00,1.00,EUR,,,", 3, 1),
        ("2026-03-02,1.00,EUR", 3, 4),
        ("2026-03-02,1.00,EUR,a,b,c,d", 3, 8),
    ],
)
def test_a_wrong_field_is_refused_at_its_place(refused, row, line, column):
    refusal = refused(f"{HEAD}2026-03-01,1.00,EUR,,,\n{row}\n")
    assert refusal.extra == {"line": line, "column": column}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (HEAD + '2026-03-02,1.00,EUR,"never closed,,\n', 2),
        (HEAD + '2026-03-02,1.00,EUR,"a"b,,\n', 2),
        (HEAD + '2026-03-02,1.00,EUR,"two\nlines",,\n2026-03-02,x,EUR,,,\n', 4),
        (HEAD + "2026-03-02,1.00,EUR," + "x" * 200_000 + ",,\n", 2),
        ("date;amount;currency\n2026-03-02;1.00;EUR\n", 1),
        ("date,amount\n2026-03-02,1.00\n", 1),
        ("date,amount,currency,date\n", 1),
        ("2026-03-02,1.00,EUR,,,\n", 1),
        ("date,amount,currency,iban\n", 1),
    ],
)
def test_a_malformed_file_is_refused_at_its_line(refused, content, line):
    assert refused(content).extra["line"] == line


def test_wrong_encoding_is_refused_where_it_begins(refused):
    content = (HEAD + "2026-03-01,1.00,EUR,ok,,\n2026-03-02,1.00,EUR,Müller,,\n").encode("latin-1")
    assert refused(content).extra == {"line": 3, "column": 22}


def test_a_nul_character_is_refused_however_late_it_comes(refused):
    good = "2026-03-01,1.00,EUR,,,\n" * 1000
    assert refused(HEAD + good + "2026-03-02,1.00,EUR,a\x00,,\n").extra == {"line": 1002, "column": 4}
    refused(HEAD + "2026-03-02,1.00,EUR,a\x00,,\n")


def test_the_callers_file_stays_open(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(HEAD)
    with path.open("rb") as file:
        assert detect_and_read(file, "s.csv") == detect_and_read(file, "s.csv") == detect_and_read(path)
        file.seek(0)
        assert file.read()
