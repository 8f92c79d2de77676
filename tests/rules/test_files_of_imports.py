"""Files that are imported, read without a server: where a table begins and ends, and each refusal with its words and place."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from import_readers import Unreadable
from import_readers.cells import row_cells
from import_readers.footers import without_footer, without_totals
from import_readers.habits import with_ends, without_repeats
from import_readers.headings import header_at
from import_readers.opening import open_rows
from import_readers.xlsx_sheets import Row, Sheet, chosen
from models.imports.files import BEYOND, Layout

Rows = list[tuple[int, list[str]]]


def nowhere(_: Iterable[bytes]) -> Path:
    raise AssertionError("no workbook")


def opened(content: bytes, source: str = "csv", piece: int = 1 << 16, **options: Any) -> tuple[Layout, Rows]:
    chunks = [content[n : n + piece] for n in range(0, len(content), piece)]
    layout, blocks = open_rows(chunks, source, spool=nowhere, **options)
    if layout.format == "object":
        return layout, [(n, [raw]) for b in blocks for n, raw in zip(b.lines, b.raws, strict=True)]
    return layout, [(n, row_cells(layout, raw)) for b in blocks for n, raw in zip(b.lines, b.raws, strict=True)]


def refused(content: bytes, source: str = "csv", **options: Any) -> tuple[str, str, int, int]:
    with pytest.raises(Unreadable) as no:
        opened(content, source, **options)
    return no.value.code, no.value.detail, no.value.line, no.value.column


@pytest.mark.parametrize("piece", [1, 3, 1 << 16])
@pytest.mark.parametrize(
    ("content", "header", "line", "rows"),
    [
        (b"a,b\n1,2\n\n ,\n3,4", ("a", "b"), 1, [(2, ["1", "2"]), (5, ["3", "4"])]),
        (b"\xef\xbb\xbf\xef\xbb\xbfa,b\r\n1,2\r3,4\r\n\x1a", ("a", "b"), 1, [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b"name,email\r\n1,2\r\n3,4\r\n", ("name", "email"), 1, [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b"sep=;\na;b\n1;2,3\n", ("a", "b"), 2, [(3, ["1", "2,3"])]),
        (b'a, "b\nc"\n1, "2\n\n3"\n\n4,5\n', ("a", "b\nc"), 1, [(3, ["1", "2\n\n3"]), (7, ["4", "5"])]),
        (b"a | b\n-----+-----\n1|2\n", ("a", "b"), 1, [(3, ["1", "2"])]),
        ("a\tä\n1\t2\n".encode("utf-16"), ("a", "ä"), 1, [(2, ["1", "2"])]),
        ("a;b\n1;2\n".encode("utf-16-be"), ("a", "b"), 1, [(2, ["1", "2"])]),
        ("a;b\n1;2\n".encode("utf-16-le"), ("a", "b"), 1, [(2, ["1", "2"])]),
        (b'!HDR\tx\n!CUST\tNAME\tNOTE\n!VEND\tx\nVEND\ty\nCUST\tAnn\t"q"\nCUSTX\tz\n', ("!CUST", "NAME", "NOTE"), 2,
         [(5, ["CUST", "Ann", "q"])]),
    ],
)  # fmt: skip
def test_a_table_is_read_however_it_arrives(
    content: bytes, header: tuple[str, ...], line: int, rows: Rows, piece: int
) -> None:
    layout, found = opened(content, piece=piece)
    assert (layout.header, layout.header_line, layout.format, found) == (header, line, "csv", rows)


def test_the_delimiter_is_what_divides_the_header_most_and_a_comma_of_two() -> None:
    assert [opened(c)[0].delimiter for c in (b"a,b;c\n", b"a;b|c;d\n", b"a\n", b"a\tb\n")] == [",", ";", ",", "\t"]
    assert row_cells(Layout("cells"), '["a", "b;c"]') == ["a", "b;c"]
    assert row_cells(Layout("csv"), "") == []


def test_lines_of_json_are_rows() -> None:
    content = b'\n {"a":1}\n\x1a\n\t{"b":2}'
    assert opened(content, "ndjson") == (Layout("object"), [(2, ['{"a":1}']), (4, ['{"b":2}'])])
    assert opened(content, "salesforce")[0].format == "object"
    assert opened(b"a,b\n1,2\n", "salesforce")[0].format == "csv"


EMPTY = ("FILE_EMPTY", "The file is empty.", 1, 1)
JSON = "The file is a JSON array: send one object a line (NDJSON)."
NEVER, AFTER = "A quoted field is never closed.", "A closing quote is followed by neither delimiter nor line end."
BYTE = "Byte 0x{} is not {}: save the file as UTF-8, or name its encoding."
WHOLE = "Each line stands in quotes as a whole: save the file again, with quotes around its fields only."
NUL = "The file holds a NUL character: it is no text file."


@pytest.mark.parametrize(
    ("content", "source", "told"),
    [
        (b"", "csv", EMPTY), (b" \n", "csv", EMPTY), (b",,\n\x1a", "csv", EMPTY), (b"\x1a\n \n", "ndjson", EMPTY),
        (b"\n[1]\n", "ndjson", ("NOT_NDJSON", JSON, 2, 1)),
        (b'a,b\n1,"x,y\n', "csv", ("CSV_QUOTING", NEVER, 2, 3)),
        (b'a,b\n1,"x"y\n', "csv", ("CSV_QUOTING", AFTER, 2, 6)),
        (b'a,b\n1,2\n "a""b", "x"y\n', "csv", ("CSV_QUOTING", AFTER, 3, 13)),
        (b'"a,b"\n"1,2"\n', "csv", ("CSV_QUOTING", WHOLE, 1, 1)),
        (b'"a;b\nc"\n', "csv", ("CSV_QUOTING", WHOLE, 1, 1)),
        (b"a,b\n1,\x002\n", "csv", ("NUL_CHARACTER", NUL, 2, 3)),
        (b"!HDR\tx\n", "csv", ("COLUMN_MISSING", "None of the file's lists is of customers (!CUST).", 1, 1)),
        (b"a,b\r\n1,x\ry,\x81\n", "csv", 
         ("ENCODING_INVALID", BYTE.format("81", "utf-8") + " It would be in macintosh 'Å'.", 3, 3)),
        (b"a,b\n1,\xa4\n", "csv", ("ENCODING_INVALID", BYTE.format("a4", "utf-8")
         + " It would be in windows-1252 '¤', in macintosh '§', in iso-8859-15 '€'.", 2, 3)),
        (b"name,email\r\n1,x\r\ny,\x81\n", "csv",
         ("ENCODING_INVALID", BYTE.format("81", "utf-8") + " It would be in macintosh 'Å'.", 3, 3)),
        (b"PK\x03\x04", "csv", ("FORMAT_MISMATCH", "The file is an XLSX workbook, not csv.", 1, 1)),
        (b"a,b\n", "xlsx", ("XLSX_INVALID", "The file is not an XLSX workbook.", 1, 1)),
        (b"\xd0\xcf\x11\xe0", "csv",
         ("XLSX_INVALID", "This is an Excel file of the old kind or with a password: save it as XLSX or CSV.", 1, 1)),
        (b"\xef\xbb\xbf <HTML>", "csv", ("FORMAT_MISMATCH", "This is a web page: save it as XLSX or CSV.", 1, 1)),
        (b"<a>", "salesforce", ("FORMAT_MISMATCH", "This is XML: save it as XLSX or CSV in a spreadsheet.", 1, 1)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_at_its_place(content: bytes, source: str, told: tuple[str, str, int, int]) -> None:
    assert refused(content, source) == refused(content, source, piece=1) == told


def test_a_line_or_a_quoted_field_without_end_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("text", "csv_rows"):
        monkeypatch.setattr(f"import_readers.{module}.RECORD_LIMIT", 40)
    long = ("LINE_TOO_LONG", "The line is longer than 40 characters.", 2, 40)
    assert refused(b"a,b\n" + b"x" * 41) == long
    assert refused(b"a,b\n1,2\n" + b'3,"x\n' + b"y\n" * 40) == (
        "LINE_TOO_LONG", "A quoted field is not closed within 40 characters.", 3, 1,
    )  # fmt: skip
    assert opened(b"a,b\n" + b"x" * 38 + b",y")[1] == [(2, ["x" * 38, "y"])]


def ends(content: str, fields: Sequence[str | None] = ("name", None, "credit_limit")) -> tuple[list[int], list[int]]:
    """The lines that are left without what stands below the table, and without sums."""
    layout, _ = opened(content.encode())
    layout = Layout("csv", layout.header, layout.delimiter, layout.header_line, fields=tuple(fields))
    return tuple(
        [n for b in without(layout, open_rows([content.encode()], "csv", spool=nowhere)[1]) for n in b.lines]
        for without in (without_footer, without_totals)
    )  # type: ignore[return-value]  # two, as they are named


HEAD = "name,x,limit\nA,1,2\n"


@pytest.mark.parametrize(
    ("below", "footer", "totals"),
    [
        ("B,,\n", [2, 3], [2, 3]), ("\nAs of today,,\nby Ann,,\n", [2], [2, 4, 5]), ("\nB,,7\n", [2, 4], [2, 4]),
        ("\n,B,\n", [2, 4], [2, 4]), ("\nover,,\nC,3,4\n", [2, 4, 5], [2, 4, 5]), ("Total,,5\n", [2, 3], [2]),
        ("Grand total: 3 customers,5,\nTOTALS,,1\n", [2, 3, 4], [2]), (",Total,5\n", [2, 3], [2]),
        ('"B\nB",1,2\nC,,\n', [2, 3, 5], [2, 3, 5]), ("Gesamt,,5\n", [2, 3], [2]), ("Total,,5,6\n", [2, 3], [2, 3]),
        ("Total,x,5\n", [2, 3], [2, 3]), ("Total,,5\nB,1,2\n", [2, 3, 4], [2, 3, 4]), ("Total Ltd,,5\n", [2, 3], [2, 3]),
    ],
)  # fmt: skip
def test_what_stands_below_a_table(below: str, footer: list[int], totals: list[int]) -> None:
    assert ends(HEAD + below) == (footer, totals)


def test_headers_below_titles_and_again() -> None:
    def named(cells: Sequence[str]) -> bool:
        return "name" in cells

    assert header_at([["Customers", ""], ["name", "email"]], named) == 1
    assert header_at([["a", "b"], ["name", "email"]], named) is None
    assert header_at([["x"]] * 20 + [["name", "email"]], named) is None
    assert header_at([["x"]] * 19 + [["name", "email"]], named) == 19
    content = b"name,email\nA,a\n name ,email\nB,b\nname,x\n"
    layout, blocks = open_rows([content], "csv", spool=nowhere)
    assert [n for b in without_repeats(layout, blocks) for n in b.lines] == [2, 4, 5]


@pytest.mark.parametrize(
    ("content", "beyond"),
    [
        ("a;b\n1;2;;\n3;4;;\n", 2), ("a;b\n1;2;\n3;4;;\n", 1), ("a;b\n1;2;\n3;4\n", 0), ("a;b\n1;2;x\n", 0),
        ("a;b\n1; 2;\n", 0), ("a;b\n1; 2;\n3;4;\n", 1), ("a;b\n", 0), ("a;b\n1\n2;3;\n", 1),
        ("a;b\n" + "1;2;\n" * 20 + "1;2\n", 1), ("a;b\n" + "1;2;\n" * 19 + "1;2\n", 0),
    ],
)  # fmt: skip
def test_a_delimiter_at_the_end_of_every_row_is_a_column_without_a_name(content: str, beyond: int) -> None:
    layout, blocks = with_ends(*open_rows([content.encode()], "csv", spool=nowhere))
    assert layout.header == ("a", "b", *[BEYOND] * beyond)
    assert sum(len(block.raws) for block in blocks) == content.count("\n") - 1


FIRST, OTHER, HIDDEN = (
    Sheet(name, name == "Old", f"xl/{name}", datetime(1899, 12, 30, tzinfo=UTC)) for name in ("New", "Next", "Old")
)
BOTH = "The sheets 'New' and 'Next' both hold customers: leave one of them, or save each as a file of its own."
ONLY = "Only the hidden sheet 'Old' holds rows: show it, or save it as a file of its own."


def test_which_sheet_of_a_workbook_holds_the_customers() -> None:
    table: list[Row] = [(3, [" ", ""]), (4, ["name", "email"]), (5, ["A", "a"])]
    notes: list[Row] = [(1, ["notes"])]

    def picked(*sheets: Sheet, **rows: list[Row]) -> tuple[str, int] | tuple[str, str, int]:
        def rows_of(sheet: Sheet) -> Iterator[Row]:
            return iter(rows.get(sheet.name, []))

        try:
            sheet, line = chosen(sheets, rows_of, lambda cells: "name" in cells)
        except Unreadable as no:
            return no.code, no.detail, no.line
        return sheet.name, line

    assert picked(FIRST, OTHER, New=notes, Next=table) == ("Next", 4)
    assert picked(FIRST, OTHER, HIDDEN, New=table, Next=notes, Old=table) == ("New", 4)
    assert picked(FIRST, OTHER, New=table, Next=table) == ("SHEETS_AMBIGUOUS", BOTH, 4)
    assert picked(FIRST, OTHER, New=[], Next=notes) == ("Next", 1)
    assert picked(FIRST, HIDDEN, New=[(1, [" "])], Old=table) == ("FILE_EMPTY", ONLY, 1)
    assert picked(HIDDEN, OTHER, Old=[]) == ("Next", 1)
    assert picked(HIDDEN) == ("Old", 1)
