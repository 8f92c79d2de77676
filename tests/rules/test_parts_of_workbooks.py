"""What a workbook says beside its cells: its sheets, which of them are hidden, when its days begin, which numbers are dates."""

import io
import zipfile
from datetime import date

import pytest

from import_readers import Unreadable
from import_readers.xlsx_parts import Styles, parsed
from import_readers.xlsx_sheets import sheets_of

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
