# ruff: noqa: E501 - tables of cases read better unbroken
"""Files in the shapes that programs give them: each has one reading, or the message names what a person decides."""

import io
import zipfile

import pytest

from import_readers import Unreadable
from tests.imports.reading import PIECE, judged, read, said

TWO = [{"name": "A", "email": "a@x.com"}, {"name": "B", "email": "b@x.com"}]
SHAPES = [
    ("a delimiter at the end of each row", b"name,email\nA,a@x.com,\nB,b@x.com,\n"),
    ("three of them", b"name,email\nA,a@x.com,,,\nB,b@x.com,,,\n"),
    ("at the header's end and at some rows'", b"name;email;\nA;a@x.com;\nB;b@x.com\n"),
    ("at the header's end alone", b"name,email,\nA,a@x.com\nB,b@x.com\n"),
    ("numbers before the first column", b",name,email\n0,A,a@x.com\n1,B,b@x.com\n"),
    ("blanks before quotes", b'name, email\n"A", "a@x.com"\n"B",  "b@x.com"\n'),
    ("line ends of three programs", b"name,email\r\nA,a@x.com\rB,b@x.com\n"),
    ("line ends that were written twice", b"name,email\r\r\nA,a@x.com\r\r\nB,b@x.com\r\r\n"),
    ("a form feed at the end", b"name,email\nA,a@x.com\nB,b@x.com\n\x0c"),
    ("an end of file of old", b"name,email\nA,a@x.com\nB,b@x.com\n\x1a\x1a\x1a"),
    ("the header again", b"name,email\nA,a@x.com\nname,email\nB,b@x.com\n"),
    ("the header again, in quotes", b'name,email\n"A","a@x.com"\n"name","email"\n"B","b@x.com"\n'),
    ("UTF-8 with a mark", b"\xef\xbb\xbf" + b"name,email\nA,a@x.com\nB,b@x.com\n"),
    ("UTF-16 with a mark", "name\temail\nA\ta@x.com\nB\tb@x.com\n".encode("utf-16")),
    ("UTF-16 without", "name,email\r\nA,a@x.com\r\nB,b@x.com\r\n".encode("utf-16-le")),
    ("UTF-16 the other way round, without", "name,email\nA,a@x.com\nB,b@x.com\n".encode("utf-16-be")),
    ("UTF-32", b"\xff\xfe\0\0" + "name,email\nA,a@x.com\nB,b@x.com\n".encode("utf-32-le")),
    ("what spreadsheets are told by", b"sep=;\r\nname;email\r\nA;a@x.com\r\nB;b@x.com\r\n"),
    ("the same of tabs, in UTF-16", "sep=\t\nname\temail\nA\ta@x.com\nB\tb@x.com\n".encode("utf-16")),
    ("the same in quotes", b'"sep=;"\nname;email\nA;a@x.com\nB;b@x.com\n'),
    ("a header in the third line", b"Customers\nas of 1 May\nname,email\nA,a@x.com\nB,b@x.com\n"),
    ("sums at the end", b"name,email,credit_limit\nA,a@x.com,\nB,b@x.com,\nTotal,,0.00\n"),
    ("a count at the end", b"name,email\nA,a@x.com\nB,b@x.com\nTotal: 2 records,\n"),
    ("two sums", b"name,email,credit_limit\nA,a@x.com,\nB,b@x.com,\nSubtotal,,0\nGrand Total,,0\n"),
]  # fmt: skip


@pytest.mark.parametrize("piece", [PIECE, 3])
@pytest.mark.parametrize("content", [c for _, c in SHAPES], ids=[name for name, _ in SHAPES])
def test_a_shape_with_one_reading_is_read(content: bytes, piece: int) -> None:
    assert [said(row) for row in judged(content, piece=piece)] == TWO


@pytest.mark.parametrize("content", [c for _, c in SHAPES], ids=[name for name, _ in SHAPES])
def test_a_file_of_ones_own_is_read_as_leniently_as_an_export(content: bytes) -> None:
    assert [said(row) for row in judged(content, "legacy_erp")] == TWO


NOTES = "email,name,tax_id,notes"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # A comma in a cell that nobody quoted, which an empty last column would have hidden.
        (f"{NOTES}\na@x.com,Acme, Inc,Leeds,\n", ["count"]),
        (f"{NOTES}\na@x.com,Acme, Inc,Leeds,\nb@x.com,Bolt,2,Hull\n", ["count", "Bolt"]),
        (f"{NOTES}\na@x.com,Acme,Inc,Leeds,\nb@x.com,Bolt,2,\n", ["count", "Bolt"]),
        (f"{NOTES}\na@x.com,Acme,Inc,1,Leeds,\nb@x.com,Bolt,2,Hull,\n", ["count", "Bolt"]),
        (f"{NOTES}\n" + "b@x.com,Bolt,2,Hull,\n" * 30 + "a@x.com,Acme,Inc,1,Leeds,\n", ["Bolt"] * 30 + ["count"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ["csv", "legacy_erp"])
def test_a_comma_that_nobody_quoted_shifts_no_cell_unseen(content: str, expected: list[str], source: str) -> None:
    found = judged(content.replace("tax_id", "Tax ID").encode(), source)
    assert [row.values["name"] if not row.faults else "count" for row in found] == expected
    wrong = [fault for row in found for fault in row.faults]
    assert {(fault.code, "quotes" in fault.detail) for fault in wrong} == {("COLUMN_COUNT", True)}


def test_a_cell_below_no_name_is_not_passed_over_in_an_export() -> None:
    rows = judged(b"Email,Name,City,\na@x.com,Acme, Inc,Leeds\nb@x.com,Bolt,Hull,\n", "legacy_erp")
    assert [[f.code for f in row.faults] for row in rows] == [["COLUMN_COUNT"], []]


def test_texts_before_the_first_column_are_no_numbers_of_rows() -> None:
    with pytest.raises(Unreadable) as refused:
        judged(b",name,email\nkey,A,a@x.com\n")
    assert (refused.value.code, refused.value.line, refused.value.column) == ("COLUMN_UNKNOWN", 1, 1)


@pytest.mark.parametrize(
    "last",
    [
        "Total,t@x.com,", "Total,,1000,Paris", "Totally Ltd,,5", "Count Basie,,", "Total,,see below",
    ],
)  # fmt: skip
def test_a_customer_who_is_called_like_a_sum_is_none(last: str) -> None:
    header = "name,email,credit_limit,billing_address.city"
    row = ",".join((last.split(",") + [""] * 4)[:4])
    assert len(judged(f"{header}\nA,a@x.com,1.5,\n{row}\n".encode())) == 2


def test_a_total_in_the_middle_is_a_row_to_look_at() -> None:
    rows = judged(b"name,email,credit_limit\nA,a@x.com,1.5\nTotal,,1.5\nB,b@x.com,2.5\n")
    assert [[f.code for f in row.faults] for row in rows] == [[], ["FIELD_REQUIRED"], []]


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), text)
    return out.getvalue()


OTHERS = [
    ("an archive of exports", zipped(Account_csv="Name\nA\n", Contact_csv="x\n"), "hubspot", "XLSX_INVALID", "Account.csv, Contact.csv"),
    ("another program's workbook", zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "xlsx", "XLSX_INVALID", "save it as XLSX"),
    ("a web page called XLS", b"\r\n<html><table><tr><td>name</td></tr></table></html>", "legacy_erp", "FORMAT_MISMATCH", "web page"),
    ("a table of HTML", b"<table><tr><td>name</td></tr></table>", "csv", "FORMAT_MISMATCH", "web page"),
    ("a workbook of XML", b'<?xml version="1.0"?><Workbook/>', "xlsx", "FORMAT_MISMATCH", "XML"),
    ("a printed list", b"%PDF-1.7 ...", "csv", "FORMAT_MISMATCH", "printed"),
    ("a packed file", b"\x1f\x8b\x08\0\0\0\0\0", "csv", "FORMAT_MISMATCH", "unpack"),
    ("a JSON array", b'[\n {"name": "A"}]', "hubspot", "NOT_NDJSON", "one object a line"),
    ("lines that are quoted as a whole", b'"name,email"\n"A,a@x.com"\n', "csv", "CSV_QUOTING", "in quotes as a whole"),
    ("Western letters of Windows", "name,email\nM\u00fcller,a@x.com\n".encode("cp1252"), "csv", "ENCODING_INVALID", "windows-1252 '\u00fc'"),
    ("Western letters of a Mac", "name,email\nM\u00fcller,a@x.com\n".encode("mac_roman"), "csv", "ENCODING_INVALID", "macintosh '\u00fc'"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "source", "code", "says"), [c[1:] for c in OTHERS], ids=[c[0] for c in OTHERS])
def test_what_is_no_table_is_called_by_its_name(content: bytes, source: str, code: str, says: str) -> None:
    with pytest.raises(Unreadable) as refused:
        judged(content, source)
    assert (refused.value.code, says in refused.value.detail) == (code, True), refused.value.detail


@pytest.mark.parametrize("encoding", ["windows-1252", "macintosh", "iso-8859-15"])
def test_an_encoding_that_is_named_is_read(encoding: str) -> None:
    (row,) = judged("name,email\nM\u00fcller,a@x.com\n".encode(encoding), encoding=encoding)
    assert row.values["name"] == "M\u00fcller"


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [("external_id", "1001.0", "FIELD_TYPE"), ("tax_id", "12345678.00", "FIELD_TYPE"), ("external_id", "1.23E+11", "FIELD_TYPE"),
     ("tax_profile.effective_from", "45000", "DATE_INVALID"), ("tax_profile.effective_from", "45000.5", "DATE_INVALID")],
)  # fmt: skip
def test_what_a_spreadsheet_made_of_an_id_or_a_day_is_named_as_such(column: str, text: str, code: str) -> None:
    (row,) = judged(f"name,email,tax_profile.tax_code,{column}\nA,a@x.com,EX,{text}\n".encode())
    assert [(f.code, f.column) for f in row.faults] == [(code, column)]
    assert "spreadsheet" in row.faults[0].detail or "program" in row.faults[0].detail


@pytest.mark.parametrize("text", ["1001", "1E5", "10.1", "v1.0", "0010"])
def test_an_id_that_looks_like_a_number_stays_as_it_is(text: str) -> None:
    (row,) = judged(f"name,email,external_id\nA,a@x.com,{text}\n".encode())
    assert (row.faults, row.values["external_id"]) == ([], text)


@pytest.mark.parametrize(
    ("country", "code", "warns"),
    [("US", "2134", True), ("US", "501", True), ("US", "2134-0001", True), ("DE", "4109", True), ("AU", "800", True), ("JP", "600001", True),
     ("US", "02134", False), ("GB", "2134", False), ("NL", "1011", False), ("US", "", False), ("DE", "D-04109", False)],
)  # fmt: skip
def test_a_postal_code_that_has_lost_its_zero_is_a_warning(country: str, code: str, warns: bool) -> None:
    header = "name,email,billing_address.lines,billing_address.city,billing_address.country,billing_address.postal_code"
    (row,) = judged(f"{header}\nA,a@x.com,1 St,B,{country},{code}\n".encode())
    assert (row.faults, "POSTAL_CODE_SHORT" in row.warnings) == ([], warns)


QUOTED = b'name,email,notes\r\nA,a@x.com,"one\r\ntwo ""three"", four"\r\nB,b@x.com,5" pipe\r\n'


@pytest.mark.parametrize(
    "content", [QUOTED, QUOTED.replace(b",", b";"), QUOTED.replace(b",", b"\t"), QUOTED.replace(b'"one', b' "one')]
)
def test_quotes_and_line_ends_within_cells_stay(content: bytes) -> None:
    text = "four" if b"," in content else content
    rows = judged(content)
    assert text is not None
    assert [row.values["notes"].split("\n")[0] for row in rows] == ["one", '5" pipe']
    assert '"three"' in rows[0].values["notes"]


@pytest.mark.parametrize(
    ("content", "code", "column"),
    [
        (b"Name,Email,Phone,Phone\nA,a@x.com,1,2\n", "COLUMN_DUPLICATE", 4),
        (b"Name,Email,phone,PHONE\nA,a@x.com,1,2\n", "COLUMN_DUPLICATE", 4),
        (b"Name,Email,E-mail\nA,a@x.com,b@x.com\n", "COLUMN_DUPLICATE", 3),
    ],
)
def test_two_columns_of_one_name_are_a_persons_to_choose_between(content: bytes, code: str, column: int) -> None:
    for source in ("csv", "legacy_erp"):
        with pytest.raises(Unreadable) as refused:
            judged(content, source)
        assert (refused.value.code, refused.value.column) == (code, column)


def test_columns_that_no_customer_has_may_repeat_in_an_export() -> None:
    layout, rows = read(b"Name,Email,Tag,Tag\nA,a@x.com,1,2\n", "hubspot")
    assert (layout.fields, [said(row) for row in rows]) == (["name", "email", None, None], TWO[:1])


NOTHINGS = ["-", "--", "n/a", "N/A", "#N/A", "NULL", "\\\\N"]


@pytest.mark.parametrize("nothing", [n.replace("\\\\", "\\") for n in NOTHINGS])
@pytest.mark.parametrize("source", ["csv", "hubspot"])
def test_what_people_write_for_nothing_costs_no_customer(nothing: str, source: str) -> None:
    header = {
        "csv": "name,email,phone,website,credit_limit,contact.name",
        "hubspot": "Name,Email,Phone,Website,Credit Limit,Title",
    }[source]
    (row,) = judged(f"{header}\nA,a@x.com,{nothing},{nothing},{nothing},\n".encode(), source)
    assert (said(row), row.credit_limit, row.warnings) == (TWO[0], None, [])


@pytest.mark.parametrize("name", ["-", "--", "#N/A"])
def test_nobody_is_called_by_a_dash(name: str) -> None:
    (row,) = judged(f"name,email\n{name},a@x.com\n".encode())
    assert said(row) == ["FIELD_REQUIRED"]


@pytest.mark.parametrize("column", ["name", "tax_id", "notes", "billing_address.city", "credit_limit"])
@pytest.mark.parametrize("text", ["#REF!", "#NAME?", "#DIV/0!"])
def test_a_formula_that_has_failed_is_no_value(column: str, text: str) -> None:
    header = ["name", "email", "tax_id", "notes", "billing_address.city", "credit_limit"]
    cells = {"name": "A", "email": "a@x.com"} | {column: text}
    (row,) = judged(f"{','.join(header)}\n{','.join(cells.get(c, '') for c in header)}\n".encode())
    assert (row.faults[0].column, row.faults[0].code, "formula" in row.faults[0].detail) == (column, "FIELD_TYPE", True)


@pytest.mark.parametrize(
    "content", ['name,email,external_id\nA,a@x.com,="0012"\n', 'name,email,external_id\nA,a@x.com,"=""0012"""\n']
)
@pytest.mark.parametrize("source", ["csv", "legacy_erp", "partner_feed"])
def test_a_formula_that_guards_an_id_is_taken_off(content: str, source: str) -> None:
    (row,) = judged(content.replace("external_id", "External ID").encode(), source)
    assert row.values["external_id"] == "0012"


@pytest.mark.parametrize(
    ("text", "code"), [("USD - U.S. Dollar", "USD"), ("EUR Euro", "EUR"), ("CHF: Swiss Franc", "CHF"), ("usd", "USD")]
)
def test_a_currency_with_its_name_is_the_currency(text: str, code: str) -> None:
    (row,) = judged(f"name,email,currency_code\nA,a@x.com,{text}\n".encode())
    assert row.values.get("currency_code") == code


@pytest.mark.parametrize(
    ("text", "expected"), [("Acme;Bolt", ["FIELD_TYPE"]), ("Acme; Acme", "Acme"), ("Acme;", "Acme")]
)
def test_of_several_companies_of_a_person_none_is_guessed(text: str, expected: object) -> None:
    (row,) = judged(f"First Name,Last Name,Email,Associated Company\nJane,Doe,j@x.com,{text}\n".encode(), "hubspot")
    assert (said(row) if row.faults else row.values["name"]) == expected


@pytest.mark.parametrize("text", ["http://", "x.com; y.com", "ask Ann"])
def test_a_website_in_doubt_costs_no_customer_of_an_export(text: str) -> None:
    (row,) = judged(f"Company name,Email,Website URL\nA,a@x.com,{text}\n".encode(), "hubspot")
    assert (said(row), row.warnings) == (TWO[0], ["WEBSITE_INVALID"])
    (row,) = judged(f"name,email,website\nA,a@x.com,{text}\n".encode())
    assert said(row) == ["WEBSITE_INVALID"]


@pytest.mark.parametrize(
    ("text", "code"), [("U S A", "US"), ("Kingdom of Saudi Arabia", "SA"), ("Great Britain and Northern Ireland", "GB")]
)
def test_a_country_is_known_by_its_longer_names(text: str, code: str) -> None:
    (row,) = judged(f"Name,Email,Address,City,Country\nA,a@x.com,1 St,B,{text}\n".encode(), "hubspot")
    assert row.related is not None
    assert row.related.lists["addresses"][0]["country"] == code
