"""What a workbook says beside its cells: its sheets, which of them are hidden, when its days begin, which numbers are dates."""

import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from import_readers import Unreadable
from import_readers.xlsx_parts import Styles, parsed
from import_readers.xlsx_rows import xlsx_rows
from import_readers.xlsx_sheets import sheets_of
from models.imports.files import Layout

RELATIONS = (
    '<Relationships><Relationship Id="r1" Target="worksheets/one.xml"/><Relationship Id="r2" Target="/xl/two.xml"/>'
    '<Relationship Id="r3" Target="./three.xml"/></Relationships>'
)
SHEETS = (
    '<sheets><sheet name="One" sheetId="1" r:id="r1"/><sheet name="Two" state="hidden" r:id="r2"/>'
    '<sheet state="veryHidden" r:id="r3"/></sheets>'
)


def archive(**parts: str) -> zipfile.ZipFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in parts.items():
            packed.writestr(f"xl/{name.replace('__', '/')}", text)
    return zipfile.ZipFile(out)


def workbook(inside: str) -> zipfile.ZipFile:
    whole = f'<workbook xmlns="m" xmlns:r="r">{inside}</workbook>'
    return archive(**{"workbook.xml": whole, "_rels__workbook.xml.rels": RELATIONS})


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ("", date(1899, 12, 30)), ('<workbookPr date1904="1"/>', date(1904, 1, 1)),
        ('<workbookPr date1904="true"/>', date(1904, 1, 1)), ('<workbookPr date1904="0"/>', date(1899, 12, 30)),
    ],
)  # fmt: skip
def test_the_sheets_of_a_workbook_in_their_order(said: str, since: date) -> None:
    found = sheets_of(workbook(said + SHEETS))
    assert [(s.name, s.hidden, s.place) for s in found] == [
        ("One", False, "xl/worksheets/one.xml"), ("Two", True, "xl/two.xml"), ("", True, "xl/three.xml"),
    ]  # fmt: skip
    assert {s.since.date() for s in found} == {since}
    with pytest.raises(KeyError, match="sheet"):
        sheets_of(workbook(said))


def styles(*codes: str) -> Styles:
    """Of a workbook whose cell styles are these codes, or numbers that every spreadsheet knows."""
    known = {"0", "13", "14", "22", "23", "47"}
    own = "".join(f'<numFmt numFmtId="{n}" formatCode="{c}"/>' for n, c in enumerate(codes, 200) if c not in known)
    used = "".join(f'<xf numFmtId="{c if c in known else n}"/>' for n, c in enumerate(codes, 200))
    return Styles(archive(**{"styles.xml": f"<s><numFmts>{own}</numFmts><cellXfs>{used}</cellXfs></s>"}))


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("14", True), ("22", True), ("47", True), ("0", False), ("13", False), ("23", False), ("YYYY-MM-DD", True),
        ("h:mm", True),
        ("[h]:00", True), ("[SS]", True), ("0 &quot;days&quot;", False), ("0\\d", False), ("0_d", False), ("[Red]0.00", False),
        ("General", False),
    ],
)  # fmt: skip
def test_which_numbers_are_dates(code: str, is_date: bool) -> None:
    assert styles("0", code).is_date("1") is is_date
    assert styles(code, "0").is_date("1") is False
    assert Styles(archive()).is_date("0") is False


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("00000", 42, "00042"), ("00000", 123456, "123456"), ("&quot;AC&quot;000", 7, "AC007"),
        ("000-00-0000", 12345, "000-01-2345"),
        ("000-00", 1234567, "12345-67"), ("\\A00", 3, "A03"), ("&quot;AC&quot;00", 1234, "AC1234"), ("00;[Red]-0", 3, "03"),
        ("0", 5, None), ("0.00", 5, None), ("00", -5, None), ("#,##0", 5, None), ("00_)", 5, "05"),
    ],
)  # fmt: skip
def test_identifiers_keep_their_zeros_and_fixed_letters(code: str, number: int, shown: str | None) -> None:
    assert styles("0", code).padded("1", number) == shown
    assert styles("0", code).padded("0", number) is None


def test_a_part_that_is_larger_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("import_readers.xlsx_parts.SMALL_PART", 4)
    assert parsed(archive(x="<x/>"), "xl/x").tag == "x"
    with pytest.raises(Unreadable) as large:
        parsed(archive(x="<x />"), "xl/x")
    assert (large.value.code, large.value.detail) == ("XLSX_TOO_LARGE", "xl/x is larger than any workbook needs.")


OTHERS = "The workbook is another program's: save it as XLSX or CSV."
LISTS = "The file is an archive of a.csv, b/c.XLSX, d.tsv: unpack it, and upload the one of customers."
NONE = "The file is not a readable XLSX workbook."


def told(path: Path, *names: str, sheet: str = "") -> tuple[str, str, int, int] | list[tuple[int, str]]:
    """What reading an archive of these files says, or of a workbook with this sheet: its rows, or the refusal."""
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
        if sheet:
            one = '<sheets><sheet name="One" r:id="r1"/></sheets>'
            packed.writestr("xl/workbook.xml", f'<workbook xmlns="m" xmlns:r="r">{one}</workbook>')
            packed.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
            packed.writestr("xl/worksheets/one.xml", f"<worksheet><sheetData>{sheet}</sheetData></worksheet>")
    try:
        _, blocks = xlsx_rows(path)
        return [(line, raw) for b in blocks for line, raw in zip(b.lines, b.raws, strict=True)]
    except Unreadable as no:
        return no.code, no.detail, no.line, no.column


def test_an_archive_of_another_kind_is_told_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for other in ("mimetype", "xl/workbook.bin", "Index/Document.iwa"):
        assert told(path, "a.csv", other) == ("XLSX_INVALID", OTHERS, 1, 1)
    assert told(path, "a.csv", "readme", "b/c.XLSX", "d.tsv", "e.txt") == ("XLSX_INVALID", LISTS, 1, 1)
    assert told(path, f"{'n' * 61}.csv.txt") == (
        "XLSX_INVALID",
        LISTS.replace("a.csv, b/c.XLSX, d.tsv", "n" * 60),
        1,
        1,
    )
    assert told(path, "readme") == ("XLSX_INVALID", NONE, 1, 1)


HEAD = '<row r="2"><c r="B2" t="str"><v>name</v></c><c t="str"><v>email</v></c></row>'


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('<row><c r="B3" t="str"><v>A&#0;</v></c><c><v>7</v></c></row>', ("XLSX_INVALID", NONE, 3, 2)),
        ('<row><c r="B3" t="str"><v>A</v></c><c><v>7</v></c><c t="str"><v> </v></c></row>', [(3, '["A", "7"]')]),
        ('<row><c r="B3" t="str"><v>ä&#13;b&#13;&#10;c</v></c><c><v>1E15</v></c></row>',
         [(3, '["ä\\nb\\nc", "1.00000000000000E+15"]')]),
        ('<row><c r="B3" t="inlineStr"><is><t>a</t><rPh><t>x</t></rPh></is></c><c t="inlineStr"><is/></c></row>',
         [(3, '["a", ""]')]),
        ('<row><c r="B3"><v>A</v></c></row>', ("XLSX_INVALID", NONE, 3, 2)),
        ('<row r="7"><c r="A7"><v>1</v></c></row>', ("COLUMN_UNKNOWN", "The cell stands left of the first named column.", 7, 1)),
        ('<row r="0"/>', ("XLSX_INVALID", "The sheet has more rows than there are.", 1, 1)),
        ('<row r="1048577"/>', ("XLSX_INVALID", "The sheet has more rows than there are.", 1, 1)),
        ('<row r="5"><c r="XFE5"/></row>', ("XLSX_INVALID", "The sheet has more columns than there are.", 5, 16_385)),
    ],
)  # fmt: skip
def test_rows_of_a_sheet_and_what_is_wrong_with_them(tmp_path: Path, row: str, found: object) -> None:
    assert told(tmp_path / "x", sheet=HEAD + row) == found


def test_an_empty_sheet_a_damaged_file_and_rows_in_several_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    assert told(path, sheet="<row/>") == ("FILE_EMPTY", "The first sheet is empty.", 1, 1)
    assert told(path, sheet=HEAD) == []
    assert xlsx_rows(path)[0] == Layout("cells", ("name", "email"), header_line=2)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(Unreadable) as damaged:
        xlsx_rows(path)
    assert (damaged.value.detail, damaged.value.line, damaged.value.column) == (NONE, 1, 1)
    monkeypatch.setattr("import_readers.xlsx_rows._BLOCK", 1)
    rows = "".join(f'<row><c r="B{n}"><v>{n}</v></c></row>' for n in (3, 4))
    assert told(path, sheet=HEAD + rows) == [(3, '["3", ""]'), (4, '["4", ""]')]
    raised = [("XLSX_TOO_LARGE", "The workbook unpacks to more than 9 bytes.", 1, 1)] * 2
    monkeypatch.setattr("import_readers.xlsx_rows.UNPACKED_LIMIT", 9)
    assert [told(path, sheet=HEAD), told(path, *"0123456789")] == raised
