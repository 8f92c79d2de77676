# ruff: noqa: E501 - tables of cases read better unbroken
"""Texts with two readings are left to a person, with the reason; those with one are read."""

from collections.abc import Iterator, Sequence

import pytest
from pydantic import JsonValue

from models.answers import JsonObject
from models.imports.checked import Checked
from models.imports.rows import Known, RowChecker
from tests.imports.in_process import Desk, another, desk

KNOWN = Known(frozenset({"NET30"}), frozenset(), {"le_us": "USD", "le_uk": "GBP"})


def checked(source: str, **cells: str) -> Checked:
    from models.imports.columns import resolve

    header = list(cells)
    given = {"name": "A", "email": "a@x.com"} if source in ("csv", "xlsx") else {}
    header = [*given, *header]
    columns = resolve(header, source, None)
    return RowChecker(header, columns, source, "le_us", KNOWN).judge_cells([*given.values(), *cells.values()])


SAP = {"NAME1": "A", "SMTP_ADDR": "a@x.com"}
PARTNER = {"customer_name": "A", "mail": "a@x.com"}
SALESFORCE = {"Account Name": "A", "Email": "a@x.com"}
HUBSPOT = {"Company name": "A", "Email": "a@x.com"}
LIMITS = [
    ("csv", {}, "credit_limit"), ("xlsx", {}, "credit_limit"), ("legacy_erp", SAP, "KLIMK"), ("partner_feed", PARTNER, "credit_limit"),
    ("salesforce", SALESFORCE, "Credit Limit"), ("hubspot", HUBSPOT, "Credit Limit"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "base", "column"), LIMITS)
@pytest.mark.parametrize(
    "text", ["10.000", "25,000", "1.234", "1,234", "999.999", " 10.000 ", "-1.000", "1e3", "1.5E+05"]
)
def test_an_amount_with_two_readings_is_refused_by_every_source(
    source: str, base: dict[str, str], column: str, text: str
) -> None:
    (fault,) = checked(source, **base, **{column: text}).faults
    assert (fault.code, fault.column) == ("FIELD_TYPE", column)
    if "e" not in text.lower() and (source not in ("csv", "xlsx") or "." in text):
        assert "two amounts" in fault.detail


@pytest.mark.parametrize(("source", "base", "column"), LIMITS[2:])
@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.234,50", "1234.5"), ("1,234.50", "1234.5"), ("1'234", "1234"), ("1\u2019234.50", "1234.5"), ("1 234,50", "1234.5"),
        ("1\u202f234\u202f567", "1234567"), ("1.234.567", "1234567"), ("1,234,567", "1234567"), ("12,5", "12.5"), ("10.00", "10"),
        ("0.125", "0.125"), (".5", "0.5"), ("+5.", "5"), ("0,125", "0.125"), ("10000", "10000"), ("USD 5,000.00", "5000"), ("$ 5", "5"), ("12,34,567", "1234567"),
    ],
)  # fmt: skip
def test_an_amount_with_one_reading_is_read(
    source: str, base: dict[str, str], column: str, text: str, amount: str
) -> None:
    row = checked(source, **base, **{column: text})
    assert (row.faults, format(row.credit_limit, "f")) == ([], amount)


@pytest.mark.parametrize("text", ["1000-", "-1000", "(1,000.00)", "\u22121000"])
def test_an_amount_below_zero_is_below_zero_wherever_its_sign_stands(text: str) -> None:
    (fault,) = checked("legacy_erp", **SAP, KLIMK=text).faults
    assert fault.code == "CREDIT_LIMIT_NEGATIVE"


@pytest.mark.parametrize(
    ("currency", "text", "code"),
    [
        ("USD", "€5000", "CURRENCY_INVALID"),
        ("EUR", "€5000", None),
        ("", "£5", "CURRENCY_INVALID"),
        ("", "$5", None),
        ("GBP", "5 USD", "CURRENCY_INVALID"),
    ],
)
def test_an_amount_in_another_currency_than_the_customers_is_refused(
    currency: str, text: str, code: str | None
) -> None:
    faults = checked("legacy_erp", **SAP, KLIMK=text, WAERS=currency).faults
    assert [f.code for f in faults] == ([code] if code else [])


def test_three_decimals_are_ordinary_in_a_currency_that_has_them() -> None:
    row = checked("csv", credit_limit="1.500", currency_code="KWD")
    assert (row.faults, str(row.credit_limit)) == ([], "1.5")
    assert checked("csv", credit_limit="1.500", currency_code="USD").faults


@pytest.mark.parametrize("text", ["01/02/2026", "1.2.2026", "2026-1-2", "20260102", "45000"])
def test_a_day_is_read_in_iso_alone(text: str) -> None:
    (fault,) = checked("csv", **{"tax_profile.tax_code": "EX", "tax_profile.effective_from": text}).faults
    assert (fault.code, fault.column) == ("DATE_INVALID", "tax_profile.effective_from")
    assert "YYYY-MM-DD" in fault.detail


def test_the_last_day_of_all_is_no_end() -> None:
    row = checked("csv", **{"tax_profile.tax_code": "EX", "tax_profile.effective_to": "9999-12-31"})
    assert row.faults == []
    assert [p["effective_to"] for p in row.relate().lists["tax_profiles"]] == [None]


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.mark.parametrize(("text", "created"), [('"10.000"', 0), ("10.000", 1), ('"10.00"', 1), ('"25,000"', 0)])
def test_in_json_a_number_is_one_number_and_a_text_may_be_two(first_desk: Desk, text: str, created: int) -> None:
    d = another(first_desk)
    line = f'{{"name": "A", "email": "a@x.com", "credit_limit": {text}}}'
    for source in ("ndjson", "partner_feed"):
        done = another(first_desk).run(line.encode(), source=source)
        assert done.created == created
    assert d.sql("SELECT 1 FROM customers WHERE org_id = :org") == []


# Addresses


def address(source: str, **cells: str) -> tuple[list[tuple[JsonValue, JsonValue, JsonValue]], list[str]]:
    row = checked(source, **cells)
    assert row.faults == []
    made = row.related.lists.get("addresses", []) if row.related else []
    return [(a["lines"], a["city"], a["country"]) for a in made], row.warnings


PAIRS = [
    ("salesforce", SALESFORCE, ("Billing Street", "Billing City", "Billing Country"), ("Mailing Street", "Mailing City", "Mailing Country")),
    ("salesforce", SALESFORCE, ("BillingStreet", "BillingCity", "BillingCountry"), ("MailingStreet", "MailingCity", "MailingCountry")),
    ("legacy_erp", SAP, ("Billing Street", "Billing City", "Billing Country"), ("Address 1", "City", "Country")),
    ("legacy_erp", SAP, ("Bill to 1", "Bill to City", "Bill to Country"), ("ADDRESS_1", "ADDRESS_3", "COUNTRY_CODE")),
    ("legacy_erp", SAP, ("Address 1", "City", "Country"), ("STRAS", "ORT01", "LAND1")),
    ("partner_feed", PARTNER, ("billing_street", "billing_city", "billing_country"), ("street", "city", "country")),
]  # fmt: skip


@pytest.mark.parametrize(("source", "base", "first", "second"), PAIRS)
def test_an_address_is_never_made_of_two(
    source: str, base: dict[str, str], first: Sequence[str], second: Sequence[str]
) -> None:
    hull = dict(zip(second, ("9 Post Box Ln", "Hull", "GB"), strict=True))
    for gap in range(3):
        leeds = dict(zip(first, ("1 Main St", "Leeds", "GB"), strict=True)) | {first[gap]: ""}
        assert address(source, **base, **leeds, **hull) == ([(["9 Post Box Ln"], "Hull", "GB")], ["ADDRESS_INCOMPLETE"])
        assert address(source, **base, **hull, **leeds) == ([(["9 Post Box Ln"], "Hull", "GB")], ["ADDRESS_INCOMPLETE"])
        half = {**hull, second[(gap + 1) % 3]: ""}
        assert address(source, **base, **leeds, **half) == ([], ["ADDRESS_INCOMPLETE"])
        whole = leeds | {first[gap]: ("1 Main St", "Leeds", "GB")[gap]}
        assert address(source, **base, **whole, **half) == ([(["1 Main St"], "Leeds", "GB")], [])


def test_a_country_that_stands_alone_goes_with_the_address() -> None:
    cells = {"Billing Street": "1 Main St", "Billing City": "Leeds", "Country": "GB"}
    assert address("legacy_erp", **SAP, **cells) == ([(["1 Main St"], "Leeds", "GB")], [])


def related(row: Checked) -> dict[str, list[JsonObject]]:
    assert row.related is not None
    return row.related.lists


def test_two_names_of_contacts_are_not_made_one_person() -> None:
    row = checked("legacy_erp", **SAP, Contact="Ann Lee", **{"Primary Contact": "Bob Ray"})
    assert [c["name"] for c in related(row)["contacts"]] == ["Ann Lee"]
    row = checked("salesforce", **SALESFORCE, **{"Last Name": "Lee", "First Name": "Ann"})
    assert [c["name"] for c in related(row)["contacts"]] == ["Ann Lee"]
