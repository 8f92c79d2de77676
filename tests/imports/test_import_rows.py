# ruff: noqa: E501 - tables of cases read better unbroken
"""Rows and columns as other programs write them: blanks, ends of files, names of countries; each fault in its own column."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from api.import_report import report
from tests.imports.in_process import Desk, another, desk, failure
from tests.imports.test_bad_files import workbook
from tests.imports.test_import_readings import checked, related

ADDRESS = {"billing_address.lines": "1 St", "billing_address.city": "Leeds", "billing_address.country": "GB"}


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        (ADDRESS | {"billing_address.country": "XX"}, "billing_address.country", "COUNTRY_INVALID"),
        (ADDRESS | {"billing_address.postal_code": "1" * 21}, "billing_address.postal_code", "FIELD_LENGTH"),
        (ADDRESS | {"billing_address.region": "a\u202eb"}, "billing_address.region", "FIELD_TYPE"),
        (ADDRESS | {"billing_address.lines": "x" * 256}, "billing_address.lines", "FIELD_LENGTH"),
        ({"billing_address.country": "XX"}, "billing_address.country", "COUNTRY_INVALID"),
        ({"contact.name": "Ann", "contact.email": "nobody"}, "contact.email", "EMAIL_INVALID"),
        ({"contact.name": "Ann", "contact.phone": "call me"}, "contact.phone", "PHONE_INVALID"),
        ({"contact.name": "Ann", "contact.role": "r\u0007"}, "contact.role", "FIELD_TYPE"),
        (
            {"tax_profile.tax_code": "EX", "tax_profile.certificate_expires_on": "soon"},
            "tax_profile.certificate_expires_on",
            "DATE_INVALID",
        ),
        ({"notes": "a\u202eb"}, "notes", "FIELD_TYPE"),
        ({"phone": "none"}, "phone", "PHONE_INVALID"),
        ({"payment_terms": "NET31"}, "payment_terms", "PAYMENT_TERMS_UNKNOWN"),
    ],
)
def test_a_fault_names_the_column_that_it_stands_in(clerk: Desk, cells: dict[str, str], column: str, code: str) -> None:
    header = ["name", "email", *cells]
    out = io.StringIO()
    csv.writer(out).writerows([header, ["A", "a@x.com", *cells.values()]])
    done = clerk.run(out.getvalue().encode())
    (row,) = clerk.sql("SELECT errors FROM import_rows WHERE import_id = :id", id=done.id)
    (fault,) = row["errors"]
    assert (fault["field"], fault["column"], fault["column_no"], fault["code"]) == (
        column,
        column,
        header.index(column) + 1,
        code,
    )
    details = next(csv.DictReader(io.StringIO("".join(report(clerk.engine, clerk.org, done.id)))))["details"]
    assert details.startswith(f"{column}: ")


def test_of_two_columns_that_fill_one_field_the_one_that_did_is_named() -> None:
    (fault,) = checked("legacy_erp", Name="A", Email="a@x.com", Terms="", ZTERM="NET99").faults
    assert (fault.column, fault.column_no, fault.code) == ("ZTERM", 4, "PAYMENT_TERMS_UNKNOWN")
    (fault,) = checked("salesforce", Name="A", Email="a@x.com", **{
        "Billing Street": "1", "Billing City": "B", "Billing Country": "", "Billing Country Code": "QQ"}).faults  # fmt: skip
    assert fault.column == "Billing Country Code"


@pytest.mark.parametrize(
    ("content", "created"),
    [
        (b"name,email\n,\nA,a@x.com\n , \n\t,\nB,b@x.com\n,\n", 2),
        (b"\n,\n name,email\nA,a@x.com\n   \n\n", 1),
        (b'name,email\n"",""\n"A","a@x.com"\n" ","\t"\n', 1),
        (b"name,email\nA,a@x.com\n\x1a", 1),
        (b"name,email\r\nA,a@x.com\r\n\x1a\r\n", 1),
        (b"name,email\nA,a@x.com\x1a", 1),
        (b"name;email;\nA;a@x.com;\nB;b@x.com\n;;\n", 2),
        (b"name,email\nA,a@x.com,\n", 1),
        (b"name,,email\nA,,a@x.com\n", 1),
    ],
)
def test_what_says_nothing_is_no_row_and_no_column(clerk: Desk, content: bytes, created: int) -> None:
    done = clerk.run(content, stop_on_error=True)
    assert (done.status, done.total_rows, done.created) == ("COMPLETED", created, created)


def test_blanks_in_a_workbook_and_in_ndjson_are_no_rows_either(clerk: Desk) -> None:
    done = clerk.run(workbook([["name", "email", " "], [" ", "\u00a0"], ["A", "a@x.com"], ["", " "]]), source="xlsx")
    assert (done.status, done.total_rows) == ("COMPLETED", 1)
    done = clerk.run(b'{"name": "B", "email": "b@x.com"}\n \t\n\x1a', source="ndjson")
    assert (done.status, done.total_rows) == ("COMPLETED", 1)


@pytest.mark.parametrize(
    ("content", "column"),
    [(b"name,,email\nA,x,a@x.com\n", 2), (b"name,email,\n" + b"A,a@x.com,\n" * 5000 + b"B,b@x.com,x\n", 3)],
)
def test_a_column_without_a_name_that_says_something_is_not_left_out_unseen(
    clerk: Desk, content: bytes, column: int
) -> None:
    row = clerk.row(clerk.validated(content))
    assert (row.status, failure(row).code, failure(row).line, failure(row).column) == (
        "FAILED",
        "COLUMN_UNKNOWN",
        1,
        column,
    )


@pytest.mark.parametrize(
    "line",
    ['{"name": "A", "email": "a@x.com", "email": "b@x.com"}', '{"name": "A", "email": "a@x.com", "metadata": {"k": 1, "k": 2}}',
     '{"name": "A", "email": "a@x.com", "contacts": [{"name": "B", "name": "C"}]}'],
)  # fmt: skip
@pytest.mark.parametrize("source", ["ndjson", "partner_feed"])
def test_a_member_that_is_named_twice_is_refused(clerk: Desk, line: str, source: str) -> None:
    done = clerk.run(line.encode(), source=source)
    assert clerk.outcomes(done.id) == [(1, "failed", ("ROW_UNREADABLE",))]


@pytest.mark.parametrize("source", ["csv", "partner_feed", "legacy_erp"])
def test_metadata_has_columns_of_its_own(clerk: Desk, source: str) -> None:
    clerk.run(b"name,email,metadata.Region,METADATA.tier\nA,a@x.com,North,1\n", source=source)
    assert clerk.sql("SELECT metadata FROM customers WHERE org_id = :org") == [
        {"metadata": {"Region": "North", "tier": "1"}}
    ]


COUNTRIES = [
    ("UK", "GB"), ("U.K.", "GB"), ("Great Britain", "GB"), ("England", "GB"), ("U.S.A.", "US"), ("u.s.", "US"), ("The Netherlands", "NL"),
    ("Holland", "NL"), ("Russia", "RU"), ("Turkey", "TR"), ("UAE", "AE"), ("South Korea", "KR"), ("Korea, South", "KR"), ("Czech Republic", "CZ"),
    ("Côte d\u2019Ivoire", "CI"), ("St. Lucia", "LC"), ("Trinidad & Tobago", "TT"), ("de", "DE"), ("DEU", "DE"), ("Österreich", "AT"), ("EL", "GR"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code"), COUNTRIES)
def test_a_country_is_known_by_what_people_call_it(said: str, code: str) -> None:
    def country(source: str, **cells: str) -> Any:
        (made,) = related(checked(source, **cells))["addresses"]
        return made["country"]

    assert country("hubspot", Name="A", Email="a@x.com", Address="1", City="B", Country=said) == code
    assert country("legacy_erp", NAME1="A", SMTP_ADDR="a@x.com", STRAS="1", ORT01="B", LAND1=said) == code


@pytest.mark.parametrize("said", ["Atlantis", "Congo", "Korea", "XX"])
def test_a_country_that_is_none_or_two_is_refused(said: str) -> None:
    (fault,) = checked("hubspot", Name="A", Email="a@x.com", Address="1", City="B", Country=said).faults
    assert (fault.code, fault.column) == ("COUNTRY_INVALID", "Country")
