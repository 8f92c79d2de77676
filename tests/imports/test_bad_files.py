# ruff: noqa: E501 - tables of cases read better unbroken
"""Files that nobody should have sent: a clear error with line and column, nothing lost, nothing half-created."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from import_readers import Unreadable, open_rows
from import_readers import xlsx_rows as other
from models.db.engine import transaction
from operations.imports import staging as import_staging
from tests.imports.in_process import Desk, another, desk, failure
from tests.imports.support import table


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def workbook(rows: list[list[Any]]) -> bytes:
    """A small XLSX: texts inline, numbers as numbers."""
    return of_sheets(("S", rows, ""))


def of_sheets(*sheets: tuple[str, list[list[Any]], str]) -> bytes:
    """A workbook of sheets: their names, rows and states ("hidden", or "" for those that are shown)."""

    def cell(v: Any) -> str:
        if isinstance(v, int | float):
            return f"<c><v>{v!r}</v></c>"
        text = str(v).replace("&", "&amp;").replace("<", "&lt;")
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}"{f" state={chr(34)}{state}{chr(34)}" if state else ""} r:id="r{n}"/>'
        for n, (name, _, state) in enumerate(sheets, 1)
    )
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>' for n in numbers
    )
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{rel}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{relations}</Relationships>',
    }
    for n, (_, rows, _) in enumerate(sheets, 1):
        sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0"?>' + text)
    return out.getvalue()


UNREADABLE = [
    ("empty", b"", {}, ("FILE_EMPTY", 1, 1)),
    ("only blank lines", b"\r\n\n  \n", {}, ("FILE_EMPTY", 1, 1)),
    ("header only", b"name,email\n", {}, ("NO_ROWS", 2, 1)),
    ("a delimiter that is none", b"name~email\nA~a@x.com\n", {}, ("COLUMN_UNKNOWN", 1, 1)),
    ("another delimiter than the one named", b"name;email\nA;a@x.com\n", {"delimiter": ","}, ("COLUMN_UNKNOWN", 1, 1)),
    ("a column twice", b"name,email,Email\nA,a@x.com,b@x.com\n", {}, ("COLUMN_DUPLICATE", 1, 3)),
    ("an unknown column", b"name,email,colour\nA,a@x.com,red\n", {}, ("COLUMN_UNKNOWN", 1, 3)),
    ("a column without a name", b"name,email,\nA,a@x.com,red\n", {}, ("COLUMN_UNKNOWN", 1, 3)),
    ("no e-mail column", b"name,phone\nA,1\n", {}, ("COLUMN_MISSING", 1, 1)),
    ("a NUL byte", b"name,email\nA,a@x.com\nB\0,b@x.com\n", {}, ("NUL_CHARACTER", 3, 2)),
    ("two encodings", "name,email\nMüller,a@x.com\n".encode() + "Müller,b@x.com\n".encode("latin-1"), {}, ("ENCODING_INVALID", 3, 2)),
    ("a quote that is never closed", b'name,email\nA,a@x.com\n"B,b@x.com\nC,c@x.com\n', {}, ("CSV_QUOTING", 3, 1)),
    ("text after a closing quote", b'name,email\n"A"B,a@x.com\n', {}, ("CSV_QUOTING", 2, 4)),
    ("a line of two megabytes", b"name,email\n" + b"x" * 2_200_000, {}, ("LINE_TOO_LONG", 2, 1048576)),
    ("ten thousand columns", b",".join(b"c%d" % n for n in range(10_000)) + b"\n", {}, ("TOO_MANY_COLUMNS", 1, 2001)),
    ("a workbook as CSV", workbook([["name", "email"], ["A", "a@x.com"]]), {}, ("FORMAT_MISMATCH", 1, 1)),
    ("CSV as a workbook", b"name,email\nA,a@x.com\n", {"source": "xlsx"}, ("XLSX_INVALID", 1, 1)),
    ("half a workbook", workbook([["name", "email"], ["A", "a@x.com"]])[:400], {"source": "xlsx"}, ("XLSX_INVALID", 1, 1)),
    ("a JSON array", b'[{"name": "A", "email": "a@x.com"}]', {"source": "ndjson"}, ("NOT_NDJSON", 1, 1)),
    ("a mapping of a column that is not there", b"name,email\nA,a@x.com\n", {"mapping": {"Nom": "name"}}, ("MAPPING_INVALID", 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "options", "expected"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
def test_an_unreadable_file_fails_with_its_place_and_leaves_nothing(
    clerk: Desk, content: bytes, options: dict[str, Any], expected: tuple[str, int | None, int | None]
) -> None:
    for pieces in (1 << 20, 7 if len(content) < 300 else 5000):
        import_id = clerk.upload(content, pieces=pieces, **options)
        import_staging.stage(clerk.engine, clerk.org, import_id, lambda _: None)
        row = clerk.row(import_id)
        assert row.status == "FAILED"
        assert (failure(row).code, failure(row).line, failure(row).column) == expected
        assert clerk.sql("SELECT 1 FROM import_lines WHERE import_id = :id", id=import_id) == []
        assert clerk.sql("SELECT 1 FROM import_files WHERE org_id = :org") == []
        owner = clerk.sql("SELECT owner_user FROM exceptions WHERE org_id = :org AND subject_id = :id", id=import_id)
        assert owner == [{"owner_user": "u_clerk"}]


ROWS = [
    ("too few columns", "name,email,phone", "A,a@x.com", ("COLUMN_COUNT", 3)),
    ("too many columns", "name,email", "A,a@x.com,1,2", ("COLUMN_COUNT", 3)),
    ("ten thousand columns", "name,email", "A,a@x.com" + "," * 9_998, ("COLUMN_COUNT", 3)),
    ("no name", "name,email", ",a@x.com", ("FIELD_REQUIRED", 1)),
    ("a name too long", "name,email", "A" * 256 + ",a@x.com", ("FIELD_LENGTH", 1)),
    ("an invisible name", "name,email", "\u200b,a@x.com", ("FIELD_TYPE", 1)),
    ("no address", "name,email", "A,a@", ("EMAIL_INVALID", 2)),
    ("an id that Excel has spoiled", "name,email,tax_id", "A,a@x.com,1.23E+19", ("FIELD_TYPE", 3)),
    ("an external id that Excel has spoiled", "name,email,external_id", 'A,a@x.com,"1,23E+19"', ("FIELD_TYPE", 3)),
    ("a day first", "name,email,tax_profile.tax_code,tax_profile.effective_from", "A,a@x.com,EX,31/12/2026", ("DATE_INVALID", 4)),
    ("a month first", "name,email,tax_profile.tax_code,tax_profile.effective_from", "A,a@x.com,EX,12/31/2026", ("DATE_INVALID", 4)),
    ("a year first with dots", "name,email,tax_profile.tax_code,tax_profile.effective_from", "A,a@x.com,EX,2026.12.31", ("DATE_INVALID", 4)),
    ("a negative limit", "name,email,credit_limit", "A,a@x.com,-0.01", ("CREDIT_LIMIT_NEGATIVE", 3)),
    ("a limit in words", "name,email,credit_limit", "A,a@x.com,=1+1", ("FIELD_TYPE", 3)),
    ("an unknown currency", "name,email,currency_code", "A,a@x.com,EUX", ("CURRENCY_INVALID", 3)),
    ("unknown terms", "name,email,payment_terms", "A,a@x.com,NET31", ("PAYMENT_TERMS_UNKNOWN", 3)),
    ("an unknown account", "name,email,revenue_account", "A,a@x.com,cash", ("ACCOUNT_UNKNOWN", 3)),
    ("an unknown entity", "name,email,legal_entity_id", "A,a@x.com,le_mars", ("ENTITY_UNKNOWN", 3)),
    ("an unknown type", "name,email,customer_type", "A,a@x.com,Retailer", ("CUSTOMER_TYPE_INVALID", 3)),
    ("metadata that is no object", "name,email,metadata", 'A,a@x.com,"[1]"', ("FIELD_TYPE", 3)),
]  # fmt: skip


@pytest.mark.parametrize(("header", "line", "expected"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_a_bad_row_is_named_with_line_and_column_and_the_others_go_on(
    clerk: Desk, header: str, line: str, expected: tuple[str, int]
) -> None:
    good = ",".join({"name": "Good", "email": "good@x.com"}.get(h, "") for h in header.split(","))
    done = clerk.run(f"{header}\n\n{line}\n{good}\n".encode())
    assert (done.status, done.created, done.failed) == ("COMPLETED_WITH_ERRORS", 1, 1)
    row = clerk.sql(
        "SELECT r.errors, l.line FROM import_rows r JOIN import_lines l USING (import_id, row_no) WHERE import_id = :id AND NOT ok",
        id=done.id,
    )
    assert row[0]["line"] == 3
    fault = row[0]["errors"][0]
    assert (fault["code"], fault["column_no"]) == expected


def test_lines_of_ndjson_are_judged_one_by_one(clerk: Desk) -> None:
    lines = ['{"name": "A", "email": "a@x.com"}', "{not json", '{"name": 5, "email": "b@x.com"}', "[]", '{"name": "C", "email": "c@x.com", "x": NaN}',
             '{"name": "D", "email": "d@x.com", "colour": "red"}', '{"name": "E\\u0000", "email": "e@x.com"}']  # fmt: skip
    done = clerk.run("\n".join(lines).encode(), source="ndjson")
    assert [(o, c) for _, o, c in clerk.outcomes(done.id)] == [
        ("created", ()), ("failed", ("ROW_UNREADABLE",)), ("failed", ("FIELD_TYPE",)), ("failed", ("ROW_UNREADABLE",)),
        ("failed", ("ROW_UNREADABLE",)), ("failed", ("FIELD_UNKNOWN",)), ("failed", ("FIELD_TYPE",)),
    ]  # fmt: skip


def test_a_workbook_keeps_formulas_as_text_and_refuses_ids_that_lost_their_digits(clerk: Desk) -> None:
    rows: list[list[Any]] = [
        ["name", "email", "tax_id", "credit_limit"],
        ["=1+1", "a@x.com", "T1", 5000],
        ["B", "b@x.com", 12345678901234567890, ""],
        ["C", "c@x.com", 42, 1.5],
    ]
    done = clerk.run(workbook(rows), source="xlsx")
    assert [(o, c) for _, o, c in clerk.outcomes(done.id)] == [
        ("created", ()),
        ("failed", ("FIELD_TYPE",)),
        ("created", ()),
    ]
    made = clerk.sql("SELECT name, tax_id, credit_limit::text AS l FROM customers WHERE org_id = :org ORDER BY email")
    assert [(m["name"], m["tax_id"], m["l"]) for m in made] == [("=1+1", "T1", "5000"), ("C", "42", "1.5")]


def test_a_bomb_is_refused_by_what_it_unpacks_to_whatever_it_says_of_itself(
    clerk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(other, "UNPACKED_LIMIT", 1 << 20)
    honest = io.BytesIO()
    with zipfile.ZipFile(honest, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (4 << 20))
    size = (4 << 20).to_bytes(4, "little")
    liar = honest.getvalue().replace(size, (1000).to_bytes(4, "little"))
    for n, content in enumerate((honest.getvalue(), liar)):
        path = tmp_path / f"bomb{n}.xlsx"
        path.write_bytes(content)
        with pytest.raises(Unreadable) as refused:
            other.xlsx_rows(path)
        assert refused.value.code in ("XLSX_TOO_LARGE", "XLSX_INVALID")
    import_id = clerk.upload(honest.getvalue(), source="xlsx")
    import_staging.stage(clerk.engine, clerk.org, import_id, lambda _: None)
    row = clerk.row(import_id)
    assert row.status == "FAILED"
    assert (failure(row).code, failure(row).line, failure(row).column) == ("XLSX_TOO_LARGE", 1, 1)


def test_a_line_of_two_gigabytes_is_given_up_on_after_one_megabyte() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b"name,email\n"
        while read < 2 << 30:
            read += 1 << 20
            yield b"x" * (1 << 20)

    with pytest.raises(Unreadable) as refused:
        for _ in open_rows(endless(), "csv", spool=lambda _: Path())[1]:
            pass
    assert (refused.value.code, refused.value.line) == ("LINE_TOO_LONG", 2)
    assert read <= 4 << 20


def test_a_file_that_loses_a_piece_under_way_is_not_taken_for_a_shorter_one(clerk: Desk) -> None:
    content = table([(f"C{n}", f"c{n}@x.com") for n in range(100)])
    import_id = clerk.upload(content, pieces=500)
    with transaction(clerk.engine, clerk.org) as tx:
        tx.run("DELETE FROM import_files WHERE org_id = :org AND import_id = :id AND seq >= 2", id=import_id)
    import_staging.stage(clerk.engine, clerk.org, import_id, lambda _: None)
    row = clerk.row(import_id)
    assert (row.status, failure(row).code, row.total_rows) == ("FAILED", "FILE_LOST", 0)


EXPORTS = {
    "salesforce": (
        "Account ID,Account Name,Type,Email,Phone,Billing Street,Billing City,Billing State/Province,Billing Zip/Postal Code,Billing Country,First Name,Last Name\n"
        '0015g00000XyZ,Acme,Prospect,acme@x.com,(555) 010-0200,"1 Main St\nSuite 5",Springfield,IL,62701,United States,Ann,Lee\n'
    ),
    "hubspot": "Record ID,Company name,Company email,Phone Number,City,Country/Region,Street Address,Lifecycle Stage\n77,Acme,acme@x.com,+1 555 0100,Paris,France,1 Rue X,Lead\n",
    "legacy_erp": "KUNNR;NAME1;SMTP_ADDR;TELF1;STCEG;ZTERM;WAERS;STRAS;ORT01;PSTLZ;LAND1;KLIMK\n0000100001;Acme;acme@x.com;+49 30 1;DE136695976;Net 30;eur;Weg 1;Berlin;10115;DE;1,000,000.00\n",
    "partner_feed": '{"name": "Acme", "email": "acme@x.com"}\n',
}


@pytest.mark.parametrize("source", sorted(EXPORTS))
def test_exports_of_other_systems_are_understood_without_a_mapping(clerk: Desk, source: str) -> None:
    done = clerk.run(EXPORTS[source].encode(), source=source)
    assert (done.status, done.created) == ("COMPLETED", 1), clerk.sql(
        "SELECT errors FROM import_rows WHERE import_id = :id", id=done.id
    )
    made = clerk.sql("SELECT * FROM customers WHERE org_id = :org")[0]
    assert (made["name"], made["email"]) == ("Acme", "acme@x.com")
    if source == "legacy_erp":
        assert (made["external_id"], made["payment_terms"], made["currency_code"], str(made["credit_limit"])) == (
            "0000100001",
            "NET30",
            "EUR",
            "1000000",
        )
    if source != "partner_feed":
        address = clerk.sql("SELECT * FROM customer_addresses WHERE org_id = :org")[0]
        assert address["country"] in ("US", "FR", "DE")
        assert address["lines"][0][0] in "1W"


def test_a_mapping_names_columns_that_nobody_knows_and_leaves_others_out(clerk: Desk) -> None:
    content = b"Firma;Mail;Rabatt;Kunde seit\nAcme;acme@x.com;5;2019\n"
    done = clerk.run(
        content, mapping={"Firma": "name", "Mail": "email", "Rabatt": "metadata.discount", "Kunde seit": None}
    )
    made = clerk.sql("SELECT name, metadata FROM customers WHERE org_id = :org")
    assert (done.status, made) == ("COMPLETED", [{"name": "Acme", "metadata": {"discount": "5"}}])


def test_windows_1252_is_read_where_it_is_named(clerk: Desk) -> None:
    clerk.run("name,email\nMüller & Söhne,m@x.com\n".encode("windows-1252"), encoding="windows-1252")
    assert [r["name"] for r in clerk.sql("SELECT name FROM customers WHERE org_id = :org")] == ["Müller & Söhne"]


def test_the_quick_way_for_addresses_takes_nothing_that_the_rule_refuses() -> None:
    from hypothesis import given
    from hypothesis import strategies as st

    from models import checks
    from models.imports.rows import _PLAIN_EMAIL

    @given(st.from_regex(_PLAIN_EMAIL, fullmatch=True))
    def every(value: str) -> None:
        assert checks.email(value) == value

    every()
