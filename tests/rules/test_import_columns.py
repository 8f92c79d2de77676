"""Which column of a file is which field of a customer, and why a header cannot be read; what terms people write."""

import pytest

from models.cash.bank_texts import BankText, Role
from models.cash.loose_references import MAX_KEYS, loose_key, loose_keys
from models.imports.cleaning import terms_among, unknown_terms
from models.imports.columns import COLUMN_LIMIT, check_mapping, nameless, names_customers, resolve
from models.imports.contacts import as_contacts, of_contacts
from models.imports.files import Unreadable
from models.imports.report import REPORT_COLUMNS

BASE = ["name", "email"]


@pytest.mark.parametrize(("header", "source", "mapping", "fields"), [
    (["Name", " E-Mail ", ""], "csv", None, ["name", "email", None]),
    (["Company", "email", "x"], "csv", {"company": "name", "X": None}, ["name", "email", None]),
    ([*BASE, "Metadata.Region", "Billing Address.City"], "csv", None, [*BASE, "metadata.Region", "billing_address.city"]),
    ([*BASE, "a", "b"], "csv", {"a": "notes", "b": "notes"}, [*BASE, "notes", "notes"]),
    ([*REPORT_COLUMNS, *BASE], "csv", None, [*[None] * len(REPORT_COLUMNS), *BASE]),
    (["Account Name", "Whatever", "Whatever"], "salesforce", None, ["name", None, None]),
    (["Account Name", "tax_id", "metadata.K"], "salesforce", None, ["name", "tax_id", "metadata.K"]),
    (["*ContactName", "EmailAddress"], "legacy_erp", None, ["name", "email"]),
    (["Customer", "Name 1"], "legacy_erp", None, ["external_id", "name"]),
    (["Customer", "Name 1"], "legacy_erp", {"Customer": "notes"}, ["notes", "name"]),
])  # fmt: skip
def test_a_column_is_known_by_its_name_or_by_the_mapping(header, source, mapping, fields) -> None:
    assert resolve(header, source, mapping) == fields


@pytest.mark.parametrize(("header", "source", "mapping", "code", "place", "said"), [
    ([*BASE, "Colour"], "csv", None, "COLUMN_UNKNOWN", (3, 3),
     "Column 3, 'Colour', is no field of a customer: map it, or leave it out."),
    ([*BASE, "Billing City"], "csv", None, "COLUMN_UNKNOWN", (3, 3),
     "Column 3, 'Billing City', is no field of a customer: map it, or leave it out. It may be billing_address.city."),
    ([*BASE, "NAME"], "csv", None, "COLUMN_DUPLICATE", (3, 3), "Column 3 has the same name as column 1."),
    (["Account Name", "Account Name"], "salesforce", None, "COLUMN_DUPLICATE", (3, 2), "Column 2 has the same name as column 1."),
    ([*BASE, "x"], "csv", {"x": "name"}, "COLUMN_DUPLICATE", (3, 1), "Two columns are mapped to name."),
    (["name"], "csv", None, "COLUMN_MISSING", (3, 1), "No column is the customer's email."),
    (["email"], "csv", None, "COLUMN_MISSING", (3, 1), "No column is the customer's name."),
    (["Email"], "salesforce", None, "COLUMN_MISSING", (3, 1), "No column is the customer's name."),
    (BASE, "csv", {"b": None, "a": "notes"}, "MAPPING_INVALID", (3, 1),
     "The mapping names columns that the file does not have: a, b."),
    ([*BASE, *[""] * (COLUMN_LIMIT - 1)], "csv", None, "TOO_MANY_COLUMNS", (3, COLUMN_LIMIT + 1),
     f"The header has {COLUMN_LIMIT + 1} columns."),
])  # fmt: skip
def test_a_header_that_cannot_be_read_is_told_where_and_why(header, source, mapping, code, place, said) -> None:
    with pytest.raises(Unreadable) as no:
        resolve(header, source, mapping, 3)
    assert (no.value.code, (no.value.line, no.value.column), no.value.detail) == (code, place, said)
    assert len(resolve([*BASE, *[""] * (COLUMN_LIMIT - 2)], "csv", None)) == COLUMN_LIMIT


@pytest.mark.parametrize(("mapping", "said"), [
    ({"a": "colour"}, "'colour' is no field of a customer."), ({"a": "c" * 99}, f"'{'c' * 60}' is no field of a customer."),
    ({"a": "metadata."}, "'metadata.' is no field of a customer."),
    ({"a": "phone", "b": "phone", "c": "email", "d": "email"}, "Two columns are mapped to email, phone."),
])  # fmt: skip
def test_a_mapping_to_nothing_or_twice_to_one_field_is_refused(mapping: dict[str, str | None], said: str) -> None:
    with pytest.raises(Unreadable) as no:
        check_mapping(mapping)
    assert (no.value.code, no.value.detail) == ("MAPPING_INVALID", said)
    for fits in (None, {"a": None, "b": None}, {"a": "notes", "b": "notes"}, {"a": "metadata.k", "b": "phone"}):
        check_mapping(fits)


def test_a_row_that_names_columns_of_customers_is_a_header() -> None:
    assert [names_customers(h, "csv", None) for h in (BASE, ["name", "phone"], ["email", "x"])] == [True, False, False]
    assert names_customers(["firm", "email"], "csv", {"firm": "name"})
    told = [
        names_customers(h, "salesforce", None)
        for h in (["Account Name", "Phone"], ["Account Name", "x"], ["Phone", "Email"])
    ]
    assert told == [True, False, False]
    assert (nameless(["a", " ", ""], "csv"), nameless(["a", ""], "salesforce")) == ([1, 2], [])


@pytest.mark.parametrize(("text", "known", "code"), [
    ("NET30", ["NET30"], "NET30"), (" net 30 days ", ["NET30"], "NET30"), ("30", ["NET30"], "NET30"),
    ("n/30", ["NET30"], "NET30"),
    ("net 45", ["net_45", "NET-45"], None), ("net-45", ["net_45"], "net_45"),
    ("Due on receipt", ["X", "IMMEDIATE", "NET0"], "NET0"),
    ("due now", ["IMMEDIATE"], "IMMEDIATE"), ("Due on receipt", ["NET30"], None), ("31", ["NET30"], None), ("x", ["NET30"], None),
])  # fmt: skip
def test_terms_are_known_by_what_people_write(text: str, known: list[str], code: str | None) -> None:
    assert terms_among(text, known) == code


def test_unknown_terms_are_told_what_they_need() -> None:
    assert unknown_terms("Due on Receipt").startswith(
        "Due on receipt needs payment terms of 0 days, NET0 or DUE_ON_RECEIPT"
    )
    assert unknown_terms("NET90") == "There are no such payment terms."


def test_a_number_is_found_however_its_dashes_and_zeros_are_written() -> None:
    assert [loose_key(r) for r in ("INV-0012", "inv 00.12/3", "A0B00", "007")] == ["inv12", "inv123", "a0b0", "7"]
    said = [BankText("f", "INV 00 12, x\u200b7", Role.TEXT), BankText("f", "IBAN 99", Role.SHOWN)]
    keys = loose_keys(said)
    assert {"inv0", "inv12", "inv12x7", "12x7"} & set(keys) == {"inv0", "inv12", "12x7"}
    assert not [k for k in keys if "99" in k or not any(c.isdigit() for c in k) or len(k) < 3]
    assert loose_keys([BankText("f", "ab1", Role.TEXT), BankText("f", "a" * 40 + "1", Role.TEXT)]) == ["ab1"]


def test_a_number_inside_of_a_payment_reference_is_found_behind_the_creditors_own() -> None:
    keys = loose_keys([BankText("f", "99887766554712345", Role.CREDITOR_REFERENCE)])
    assert {"1234", "471234", "inv1234", "rg71234", "4123", "123"} & set(keys) == {
        "1234",
        "471234",
        "inv1234",
        "rg71234",
    }
    assert loose_keys([BankText("f", "4711", Role.CREDITOR_REFERENCE), BankText("f", "471", Role.TEXT)])[-1] == "471"
    short = loose_keys([BankText("f", "471156", Role.CREDITOR_REFERENCE)])
    assert {"47115", "4711", "7115", "inv4711"} <= set(short)
    text = loose_keys([BankText("f", "21 00000 00003 13947 14300 09017", Role.TEXT)])
    assert {"43000901", "4300090", "invoice4300090"} <= set(text)
    assert len(loose_keys([BankText("f", " ".join(str(n) for n in range(1000, 1600)), Role.TEXT)])) == MAX_KEYS


@pytest.mark.parametrize(("header", "source", "people"), [
    (["Account Name", "Name"], "salesforce", True), (["Account Name", "Last Name"], "salesforce", True),
    (["Account Name", "Phone"], "salesforce", False), (["Name", "Phone"], "salesforce", False),
    (["First Name"], "salesforce", False),
    (["Company", "First Name"], "hubspot", True), (["Company", "Name"], "hubspot", False),
    (["Company", "First Name"], "legacy_erp", False), (["Account Name", "First Name"], "hubspot", False),
])  # fmt: skip
def test_rows_are_people_where_a_name_stands_beside_the_companys(header: list[str], source: str, people: bool) -> None:
    assert of_contacts(header, source) is people


@pytest.mark.parametrize(("header", "source", "mapped", "fields"), [
    (["Account Name", "Full Name", "Phone", "Contact ID"], "salesforce", [], ["x", "contact.name", "contact.phone", None]),
    (["Account Name", "Name", "Last Name", "Full Name"], "salesforce", [], ["x", None, "x", None]),
    (["Account Name", "Phone", "ID"], "salesforce", ["phone"], ["x", "x", None]),
    (["Company", "Job Title", "Phone Number", "Record ID"], "hubspot", [], ["x", "contact.role", "contact.phone", None]),
])  # fmt: skip
def test_what_a_row_of_a_person_says_is_theirs(
    header: list[str], source: str, mapped: list[str], fields: list[str | None]
) -> None:
    assert as_contacts(header, ["x"] * len(header), source, mapped) == fields
