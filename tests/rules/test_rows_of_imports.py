"""What a row of a file says of a customer: cell by cell, with the fault or the warning of each."""

from decimal import Decimal
from typing import Any

import pytest

from models.imports.checked import Checked, RowFault
from models.imports.report import REPORT_COLUMNS
from tests.imports.reading import judged

A = "Acme,a@example.com"


def row(header: str, *cells: str, source: str = "csv", **options: Any) -> Checked:
    (found,) = judged(f"{header}\n{','.join(cells)}\n".encode(), source, **options)
    return found


def test_a_row_is_its_values_as_we_write_them_and_the_keys_by_which_it_is_met() -> None:
    found = row("name,email,payment_terms,currency_code,tax_id,credit_limit", f"{A},net 30,usd,DE 12,1000000.01")
    assert found.values == {
        "name": "Acme", "email": "a@example.com", "payment_terms": "NET30", "currency_code": "USD", "tax_id": "DE 12",
        "legal_entity_id": "le_us",
    }  # fmt: skip
    assert (found.credit_limit, found.warnings, found.faults) == (Decimal("1000000.01"), ["CREDIT_LIMIT_LARGE"], [])
    assert found.keys[1] == "a@example.com"
    assert all(found.keys)
    assert row("name,email,credit_limit", f"{A},1000000").warnings == []
    assert row("name,email", A).keys[2] is None


@pytest.mark.parametrize(("header", "cells", "said"), [
    ("name,email,notes", "NULL,a@example.com,n/a", {"name": "NULL"}), ("name,email,phone", f"{A},-", {"name": "Acme"}),
    ("name,email,credit_limit", f"{A},NULL", {"name": "Acme"}), ("name,email,credit_limit", f"{A}, ", {"name": "Acme"}),
])  # fmt: skip
def test_what_says_nothing_is_nothing_and_a_name_may_be_a_word(header: str, cells: str, said: dict[str, str]) -> None:
    found = row(header, cells)
    assert (found.faults, found.credit_limit) == ([], None)
    assert {k: v for k, v in found.values.items() if k not in ("email", "legal_entity_id")} == said


@pytest.mark.parametrize(("header", "cells", "field", "column", "code", "detail"), [
    ("name,email", "-,a@example.com", "name", 1, "FIELD_REQUIRED", "Required."),
    ("name,email", "Acme,", "email", 2, "FIELD_REQUIRED", "Required."),
    ("name,email", "Acme,x", "email", 2, "EMAIL_INVALID", "Not a valid email address (RFC 5322)."),
    ("name,email,credit_limit,currency_code", f"{A},EUR 5 000,USD", "credit_limit", 3, "CURRENCY_INVALID",
     "The amount names another currency than the customer's, USD: give the row its currency."),
    ("name,email,credit_limit", f"{A},-5", "credit_limit", 3, "CREDIT_LIMIT_NEGATIVE", "Must not be negative."),
    ("name,email,phone", f"{A},x1", "phone", 3, "PHONE_INVALID", "Not a telephone number."),
    ("name,email,website", f"{A},x", "website", 3, "WEBSITE_INVALID", "Not an http or https address."),
])  # fmt: skip
def test_a_fault_is_said_of_its_column(
    header: str, cells: str, field: str, column: int, code: str, detail: str
) -> None:
    assert row(header, cells).faults == [RowFault(field, header.split(",")[column - 1], column, code, detail)]


def test_a_doubtful_number_is_left_out_with_a_warning_as_is_an_exports_website() -> None:
    found = row("name,email,phone", f"{A},call 555 or ask")
    assert (found.warnings, found.faults, "phone" in found.values) == (["PHONE_INVALID"], [], False)
    exported = row("Account Name,Email,Website", f"{A},nowhere", source="salesforce")
    assert (exported.warnings, exported.faults, "website" in exported.values) == (["WEBSITE_INVALID"], [], False)


def test_the_entitys_currency_judges_an_amount_where_the_row_has_none() -> None:
    assert row("name,email,credit_limit", f"{A},USD 5").credit_limit == 5
    assert row("name,email,currency_code,credit_limit", f"{A},BHD,1.234").credit_limit == Decimal("1.234")
    assert [f.code for f in row("name,email,credit_limit", f"{A},GBP 5").faults] == ["CURRENCY_INVALID"]


def test_a_report_sent_again_is_read_without_what_guards_its_cells() -> None:
    header = ",".join([*REPORT_COLUMNS, "name", "email", "notes"])
    guarded = row(header, "7", "failed", "", "", "", A, "'=1+1")
    assert (guarded.values["notes"], guarded.faults) == ("=1+1", [])
    assert row("name,email,notes", f"{A},'=1+1").values["notes"] == "'=1+1"
    assert row("Account Name,Email,Description", f"{A},'+44", source="salesforce").values["notes"] == "+44"


def test_without_a_company_the_person_is_the_customer_where_shops_write() -> None:
    shop = row("First Name,Last Name,Email,Company", "Ann,Lee,ann@example.com,", source="legacy_erp")
    assert (shop.values.get("name"), "NAME_OF_CONTACT" in shop.warnings) == ("Ann Lee", True)
    crm = row("First Name,Last Name,Email,Account Name", "Ann,Lee,ann@example.com,", source="salesforce")
    assert (crm.values.get("name"), [f.code for f in crm.faults]) == (None, ["FIELD_REQUIRED"])


def test_metadata_of_several_columns_is_one_and_bounded() -> None:
    found = row("name,email,metadata.a,metadata.b", f"{A},1,2")
    assert found.values["metadata"].replace(" ", "") == '{"a":"1","b":"2"}'
    assert found.relate().metadata_keys
    (many,) = judged(("name,email,metadata.a\nAcme,a@example.com," + "x" * 65_536 + "\n").encode())
    assert [(f.code, f.column_no) for f in many.faults] == [("METADATA_TOO_LARGE", 3)]


@pytest.mark.parametrize(("line", "codes"), [
    ('{"name": "A", "email": "a@example.com", "colour": 1}', ["FIELD_UNKNOWN"]),
    ('{"name": 5, "email": "a@example.com"}', ["FIELD_TYPE"]), ('{"name": "A", "email": "a@example.com", "phone": null}', []),
    ('{"name": "A", "email": "a@example.com", "metadata": []}', ["FIELD_TYPE"]),
    ('{"name": "A", "email": "a@example.com", "credit_limit": 10.5}', []),
])  # fmt: skip
def test_a_line_of_json_is_judged_member_by_member(line: str, codes: list[str]) -> None:
    (found,) = judged(line.encode(), "ndjson")
    assert [f.code for f in found.faults] == codes
    assert found.credit_limit == (Decimal("10.5") if "10.5" in line else None)


def test_what_belongs_to_the_customer_is_read_from_its_columns() -> None:
    found = row("name,email,contact.name,contact.phone", f"{A},Ann,call 555 or ask")
    assert (found.warnings, found.faults) == (["PHONE_INVALID"], [])
    assert found.relate().lists == {"contacts": [{"name": "Ann", "email": None, "phone": None, "role": None}]}
    part = row("name,email,contact.email,contact.role", f"{A},ann@example.com,CFO")
    assert part.relate().incomplete == {"contacts": [{"email": "ann@example.com", "role": "CFO", "named": True}]}
    exported = row("Account Name,Email,Billing City", f"{A},Hull", source="salesforce")
    assert exported.relate().incomplete == {"addresses": [{"city": "Hull", "type": "billing"}]}
    assert exported.warnings == ["ADDRESS_INCOMPLETE"]
    joined = row("name,email,x,y", f"{A},one,two", mapping={"x": "notes", "y": "notes"})
    assert joined.values["notes"] == "one two"
    wrong = row("name,email,contact.name,contact.email", f"{A},Ann,x")
    assert [(f.field, f.column, f.column_no, f.code) for f in wrong.faults] == [
        ("contact.email", "contact.email", 4, "EMAIL_INVALID")
    ]
    header = "name,email,billing_address.lines,billing_address.city,billing_address.country"
    nowhere = row(header, f"{A},1 St,Hull,Nowhere")
    assert [(f.field, f.column_no, f.code) for f in nowhere.faults] == [
        ("billing_address.country", 5, "COUNTRY_INVALID")
    ]
    noted = row("name,email,notes", f"{A},{'x' * 20_001}")
    assert [(f.field, f.column, f.column_no, f.code) for f in noted.faults] == [("notes", "notes", 3, "FIELD_LENGTH")]


def test_in_json_a_text_is_an_amount_in_the_rows_currency_and_a_line_is_an_object() -> None:
    said = '{"name": "A", "email": "a@example.com", "credit_limit": "1.234", "currency_code": %s}'
    lines = [*(said % currency for currency in ('"BHD"', '"USD"', "5")), '{"name": "A", "name": "B"}', "7"]
    rows = judged("\n".join(lines).encode(), "ndjson")
    assert [r.credit_limit for r in rows] == [Decimal("1.234"), None, None, None, None]
    assert [[f.code for f in r.faults] for r in rows] == [
        [], ["FIELD_TYPE"], ["FIELD_TYPE", "FIELD_TYPE"], ["ROW_UNREADABLE"], ["ROW_UNREADABLE"],
    ]  # fmt: skip
    assert rows[4].faults == [
        RowFault(None, None, 1, "ROW_UNREADABLE", "A row is a JSON object that names each member once.")
    ]


def test_members_of_a_json_row_by_name_and_kind() -> None:
    lines = [
        '{"name": "A", "email": "a@example.com", "metadata": {"k": "ü"}, "currency_code": "USD", "phone": null, "notes": "x"}',
        '{"name": "A", "email": "a@example.com", "metadata": "{}", "phone": 5, "credit_limit": "x"}',
        '{"name": "A", "email": "a@example.com", "%s": 1, "contacts": [{"name": "Ann", "email": "b"}]}' % ("c" * 101),
        '{"name": "A", "email": "a@example.com", "contacts": [{"name": "Ann"}]}',
    ]  # fmt: skip
    good, wrong, unknown, listed = judged("\n".join(lines).encode(), "ndjson")
    assert good.values == {
        "name": "A", "email": "a@example.com", "metadata": '{"k": "ü"}', "currency_code": "USD", "notes": "x",
        "legal_entity_id": "le_us",
    }  # fmt: skip
    assert wrong.faults[:2] == [
        RowFault("metadata", "metadata", None, "FIELD_TYPE", "Metadata is a JSON object."),
        RowFault("phone", "phone", None, "FIELD_TYPE", "A text."),
    ]  # fmt: skip
    assert [f.field for f in wrong.faults] == ["metadata", "phone", "credit_limit"]
    assert unknown.faults == [RowFault("c" * 100, "c" * 100, None, "FIELD_UNKNOWN", "A customer has no such field.")]
    assert [c["name"] for c in listed.relate().lists["contacts"]] == ["Ann"]


def test_cells_that_are_cleaned_away_end_no_row_and_addresses_are_found_in_their_cells() -> None:
    found = row("Associated Company,Email,Currency,Phone", ";,a@example.com,usd,+441632960001", source="hubspot")
    assert [f.code for f in found.faults] == ["FIELD_REQUIRED"]
    assert found.values["currency_code"] == "USD"
    contact = row("name,email,contact.name,contact.email", f"{A},Ann,Ann <ann@example.com>")
    assert contact.relate().lists["contacts"][0]["email"] == "ann@example.com"
    assert row("name,email,legal_entity_id,revenue_account", f"{A},le_x,4000").faults == [
        RowFault("legal_entity_id", "legal_entity_id", 3, "ENTITY_UNKNOWN",
                 "There is no such legal entity, or your token does not cover it."),
        RowFault("revenue_account", "revenue_account", 4, "ACCOUNT_UNKNOWN", "There is no such revenue account."),
    ]  # fmt: skip
    partner = row("name,email,contact.name", ",a@example.com,Ann", source="partner_feed")
    assert (partner.values.get("name"), partner.warnings) == ("Ann", ["NAME_OF_CONTACT"])
    kind = row("name,email,customer_type,payment_terms", f"{A},robot,net 31").faults
    assert [(f.code, f.column_no) for f in kind] == [("CUSTOMER_TYPE_INVALID", 3), ("PAYMENT_TERMS_UNKNOWN", 4)]
    assert kind[0].detail.startswith("One of: ")
