# ruff: noqa: E501 - tables of cases read better unbroken
"""Workbooks: read as a stream, whatever they hold or pretend to hold."""

import io
import json
import resource
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from import_readers import Unreadable
from import_readers import xlsx_rows as reader
from tests.imports.test_bad_files import workbook

HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c><c r="B1" t="inlineStr"><is><t>email</t></is></c></row>'
)
STYLES = (
    '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd;@"/><numFmt numFmtId="165" formatCode="0.00 &quot;days&quot;"/>'
    '<numFmt numFmtId="166" formatCode="[$-409]d/m/yy h:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>'
)
STRINGS = (
    "<sst><si><t>plain</t></si><si><r><t>rich </t></r><r><t>text</t></r></si><si><t>東京</t><rPh><t>トウキョウ</t></rPh></si>"
    '<si><t xml:space="preserve"> two_x000D_\nlines </t></si><si/></sst>'
)


def book(tmp_path: Path, rows: str, **parts: str) -> Path:
    """A workbook with these rows as XML, and further parts."""
    with zipfile.ZipFile(io.BytesIO(workbook([["x"]]))) as plain:
        held = {name: plain.read(name).decode() for name in plain.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    before, _, rest = held[sheet].partition("<sheetData>")
    held[sheet] = f"{before}<sheetData>{rows}{rest[rest.index('</sheetData>') :]}"
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (held | {f"xl/{n}.xml": t for n, t in parts.items()}).items():
            archive.writestr(name, text)
    return path


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    _, blocks = reader.xlsx_rows(path)
    return [(line, json.loads(raw)) for b in blocks for line, raw in zip(b.lines, b.raws, strict=True)]


def test_cells_of_every_kind_become_the_text_that_a_person_sees(tmp_path: Path) -> None:
    kinds = [
        ('t="s"><v>0</v>', "plain"), ('t="s"><v>1</v>', "rich text"), ('t="s"><v>2</v>', "東京"), ('t="s"><v>3</v>', " two\nlines "),
        ('t="s"><v>4</v>', ""), ('t="b"><v>1</v>', "true"), ("><v>5000</v>", "5000"), ("><v>0.1</v>", "0.1"), ("><v>-1.5</v>", "-1.5"),
        ("><v>1.2345678901234567E+19</v>", "1.23456789012346E+19"), ('s="1"><v>46000</v>', "2025-12-09"), ('s="2"><v>1</v>', "1899-12-31"),
        ('s="3"><v>46000</v>', "46000"), ('s="4"><v>46000.5</v>', "2025-12-09T12:00:00"), ('t="d"><v>2026-01-31</v>', "2026-01-31"),
        ('t="e"><v>#REF!</v>', "#REF!"), ('t="str"><f>A1&amp;"x"</f><v>namex</v>', "namex"), ("><f>1+1</f><v>2</v>", "2"),
        ("><f>HYPERLINK(\"http://x\")</f><v></v>", '=HYPERLINK("http://x")'), ("><f>1+1</f>", "=1+1"),
    ]  # fmt: skip
    xml = "".join(
        f'<row r="{n}"><c r="A{n}" {cell}</c><c r="B{n}"><v>7</v></c></row>' for n, (cell, _) in enumerate(kinds, 2)
    )
    path = book(tmp_path, HEADER + xml, sharedStrings=STRINGS, styles=STYLES)
    assert rows_of(path) == [(n, [text, "7"]) for n, (_, text) in enumerate(kinds, 2)]


def test_rows_keep_their_numbers_wherever_the_table_stands(tmp_path: Path) -> None:
    """And a reader of another make sees the same values."""
    xml = (
        '<row r="3"><c r="C3" t="inlineStr"><is><t>name</t></is></c><c r="D3" t="inlineStr"><is><t>email</t></is></c></row>'
        '<row r="7"><c r="C7"><v>1</v></c></row><row r="1048576"><c r="D1048576"><v>2</v></c></row>'
    )
    path = book(tmp_path, xml)
    layout, _ = reader.xlsx_rows(path)
    assert (layout.header, layout.header_line) == (("name", "email"), 3)
    assert rows_of(path) == [(7, ["1", ""]), (1_048_576, ["", "2"])]
    small = book(tmp_path, xml.replace("1048576", "9"))
    other = [[str(v) for v in row] for row in CalamineWorkbook.from_path(str(small)).get_sheet_by_index(0).iter_rows()]
    assert [(n, row) for n, row in enumerate(other, 1) if any(row)][1:] == [(7, ["1.0", ""]), (9, ["", "2.0"])]


def test_a_cell_left_of_the_table_is_not_passed_over(tmp_path: Path) -> None:
    xml = '<row r="1"><c r="B1"><v>1</v></c></row><row r="2"><c r="A2"><v>9</v></c><c r="B2"><v>1</v></c></row>'
    with pytest.raises(Unreadable) as refused:
        rows_of(book(tmp_path, xml))
    assert (refused.value.code, refused.value.line, refused.value.column) == ("COLUMN_UNKNOWN", 2, 1)


BROKEN = [
    ("a row that breaks off", HEADER + '<row r="2"><c r="A2"><v>1</v></c></row><row r="3"><c', ("XLSX_INVALID", 3, 1)),
    ("a number that is none", HEADER + '<row r="2"><c r="A2"><v>1,5</v></c></row>', ("XLSX_INVALID", 2, 1)),
    ("a text that is not there", HEADER + '<row r="4"><c r="A4" t="s"><v>99</v></c></row>', ("XLSX_INVALID", 4, 1)),
    ("a row beyond the last", HEADER + '<row r="1048577"/>', ("XLSX_INVALID", 1, 1)),
    ("a column beyond the last", HEADER + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>', ("XLSX_INVALID", 2, 18278)),
    ("a cell of two megabytes", HEADER + f'<row r="2"><c r="B2" t="str"><v>{"x" * 2_100_000}</v></c></row>', ("LINE_TOO_LONG", 2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "expected"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_broken_sheet_is_named_with_the_row_where_it_breaks(
    tmp_path: Path, xml: str, expected: tuple[str, int, int]
) -> None:
    with pytest.raises(Unreadable) as refused:
        rows_of(book(tmp_path, xml))
    assert (refused.value.code, refused.value.line, refused.value.column) == expected


def test_a_sheet_costs_no_more_memory_than_a_row_whatever_its_extent(tmp_path: Path) -> None:
    """Two cells at the corners of the largest sheet; a row of as many cells as there is room for; entities in entities."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    corners = HEADER + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert len(rows_of(book(tmp_path, corners))[0][1]) == 16_384
    endless = HEADER + '<row r="2">' + "<c><v></v></c>" * 3_000_000 + "</row>"
    with pytest.raises(Unreadable, match="XLSX_INVALID"):
        rows_of(book(tmp_path, endless))
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "'
        + "ha" * 5_000
        + '"><!ENTITY b "'
        + "&a;" * 1000
        + '">]><sst><si><t>'
        + "&b;" * 500
        + "</t></si></sst>"
    )
    strings = book(tmp_path, HEADER + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>', sharedStrings=laughs)
    with pytest.raises(Unreadable):
        rows_of(strings)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 200


def test_the_strict_dialect_is_read_and_a_workbook_without_sheets_is_none(tmp_path: Path) -> None:
    path = book(tmp_path, HEADER + '<row r="2"><c r="A2"><v>1</v></c></row>')
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name).decode() for name in archive.namelist()}
    strict = {n: t.replace("http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument")
              .replace("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
              for n, t in held.items()}  # fmt: skip
    sheetless = held | {"xl/workbook.xml": "<workbook/>"}
    for parts, expected in ((strict, [(2, ["1", ""])]), (sheetless, None)):
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
        if expected is not None:
            assert rows_of(path) == expected
            continue
        with pytest.raises(Unreadable, match="XLSX_INVALID"):
            rows_of(path)


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("00000", "2134", "02134"), ("&quot;AC&quot;000000", "123", "AC000123"), ("0;[Magenta]-0", "45000", "45000"),
        ("General", "3300.2999999999997", "3300.3"), ("000\\-00\\-0000", "12345678", "012-34-5678"), ("00000-0000", "21340001", "02134-0001"),
        ("00000;-00000;@", "7", "00007"), ("000-00", "1234567", "12345-67"), ("#,##0.00", "5000", "5000"), ("&quot;$&quot;0", "5000", "5000"),
        ("0.00%", "0.15", "0.15"), ("[Red]0000", "12", "0012"), ("[hh]:mm", "1", "1899-12-31"), ("00000", "12.5", "12.5"), ("General", "1e-7", "0.0000001"),
    ],
)  # fmt: skip
def test_a_number_is_what_its_sheet_shows(tmp_path: Path, code: str, value: str, shown: str) -> None:
    styles = f'<styleSheet><numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    xml = f'{HEADER}<row r="2"><c r="A2" s="1"><v>{value}</v></c><c r="B2"><v>7</v></c></row>'
    assert rows_of(book(tmp_path, xml, styles=styles)) == [(2, [shown, "7"])]
