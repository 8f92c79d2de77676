# ruff: noqa: E501 - tables of cases read better unbroken
"""What CRM, shop and ledger programs export by default comes in as it comes, or says in one sentence what is missing.

The files of tests/data/exports have the columns, titles, footers and marks of the products' own; the companies in them are made up.
They are read a second time here with nothing but the csv module, and the two readings are held against each other.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.imports.records import Import
from tests.imports.in_process import Desk, another, desk
from tests.imports.test_bad_files import of_sheets

FILES = Path(__file__).parents[1] / "data" / "exports"


@dataclass(frozen=True)
class Export:
    """A file: its source; for the second reading the line of its header, its delimiter, its columns of name, e-mail and id, and the
    mark that its rows begin with. Then the codes that are said of its rows, with how many have each."""

    source: str
    line: int
    delimiter: str
    name: str
    email: str | None
    id: str | None
    codes: dict[str, int]
    rows: int
    created: int
    begins: str = ""


TO_COMPLETE = "FIELD_REQUIRED"
EXPORTS = {
    "salesforce_data_loader_accounts.csv": Export("salesforce", 1, ",", "NAME", "EMAIL__C", "ID", {TO_COMPLETE: 1}, 3, 2),
    "salesforce_report_accounts.csv": Export("salesforce", 1, ",", "Account Name", "Email", "Account ID", {}, 2, 2),
    "salesforce_list_view.csv": Export("salesforce", 1, ",", "Account Name", None, None, {TO_COMPLETE: 2}, 2, 0),
    "hubspot_companies.csv": Export("hubspot", 1, ",", "Company name", None, "Record ID", {TO_COMPLETE: 3}, 3, 0),
    "hubspot_contacts.csv": Export("hubspot", 1, ",", "Associated Company", "Email", "Primary Associated Company ID", {TO_COMPLETE: 1}, 3, 2),
    "xero_contacts.csv": Export("legacy_erp", 1, ",", "*ContactName", "EmailAddress", "AccountNumber", {TO_COMPLETE: 1}, 3, 2),
    "quickbooks_online_contact_list.csv": Export("legacy_erp", 4, ",", "Customer full name", "Email", None, {"ADDRESS_INCOMPLETE": 1}, 2, 2),
    "quickbooks_desktop_customers.csv": Export("legacy_erp", 1, ",", "Customer", "Main Email", "Account No.", {"PAYMENT_TERMS_UNKNOWN": 1, "ADDRESS_INCOMPLETE": 1}, 2, 1),
    "quickbooks_customers.iif": Export("legacy_erp", 5, "\t", "NAME", "EMAIL", "REFNUM", {"ADDRESS_INCOMPLETE": 1}, 2, 2, begins="CUST\t"),
    "zoho_books_contacts.csv": Export("legacy_erp", 1, ",", "Display Name", "EmailID", "Contact ID", {}, 2, 2),
    "zoho_crm_accounts.csv": Export("legacy_erp", 1, ",", "Account Name", None, "Record Id", {TO_COMPLETE: 2}, 2, 0),
    "shopify_customers.csv": Export("legacy_erp", 1, ",", "Default Address Company", "Email", "Customer ID", {TO_COMPLETE: 1, "NAME_OF_CONTACT": 1}, 3, 2),
    "sap_kna1_se16.txt": Export("legacy_erp", 4, "|", "NAME1", None, "KUNNR", {TO_COMPLETE: 3}, 3, 0, begins="|   |100"),
    "sap_kna1.tsv": Export("legacy_erp", 1, "\t", "NAME1", "SMTP_ADDR", "KUNNR", {}, 2, 2),
    "sap_kna1_labels.csv": Export("legacy_erp", 1, ";", "Name 1", "E-Mail", "Debitor", {}, 2, 2),
    "dynamics_accounts.csv": Export("legacy_erp", 1, ",", "Account Name", "Email (Primary Contact) (Contact)", "(Do Not Modify) Account", {TO_COMPLETE: 1}, 2, 1),
    "business_central_customers.csv": Export("legacy_erp", 1, ",", "Name", "E-Mail", "No.", {}, 2, 2),
    "northwind_customers.csv": Export("legacy_erp", 1, ",", "CompanyName", None, "CustomerID", {TO_COMPLETE: 2}, 2, 0),
    "northwind_access.csv": Export("legacy_erp", 1, ";", "Company", "E-mail Address", "ID", {}, 2, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def first_desk(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as d:
        yield d


@pytest.fixture
def clerk(first_desk: Desk) -> Desk:
    return another(first_desk)


def second_reading(file: str, of: Export) -> list[dict[str, str]]:
    """The rows by the csv module alone: below the header, without what fills one cell or begins otherwise."""
    with (FILES / file).open(encoding="utf-8", newline="") as text:
        lines = text.read().splitlines(keepends=True)[of.line - 1 :]
    header = lines[0]
    kept = [line for line in lines[1:] if line.startswith(of.begins)] if of.begins else lines[1:]
    if of.begins.startswith("|"):
        header, kept = header.replace(" ", ""), [line for line in kept if not line.startswith("|-")]
    rows = csv.DictReader([header, *kept], delimiter=of.delimiter)
    return [
        {k: v.strip() for k, v in row.items() if k and isinstance(v, str)}
        for row in rows
        if sum(bool(v and v.strip()) for v in row.values() if isinstance(v, str)) > 1
    ]


def said(clerk: Desk, done: Import) -> Counter[str]:
    rows = clerk.sql(
        "SELECT errors, warnings FROM import_rows WHERE import_id = :id AND (errors IS NOT NULL OR warnings IS NOT NULL)",
        id=done.id,
    )
    return Counter(code for r in rows for code in {e["code"] for e in r["errors"] or ()} | set(r["warnings"] or ()))


@pytest.mark.parametrize("file", EXPORTS)
def test_a_default_export_comes_in_as_it_comes(clerk: Desk, file: str) -> None:
    of = EXPORTS[file]
    done = clerk.run((FILES / file).read_bytes(), source=of.source)
    assert (done.total_rows, done.created) == (of.rows, of.created), (done.failure, said(clerk, done))
    assert said(clerk, done) == of.codes
    read = second_reading(file, of)
    assert len(read) == of.rows
    made = clerk.sql("SELECT name, email, external_id FROM customers WHERE org_id = :org")
    for customer in made:
        (row,) = [r for r in read if of.email and r[of.email] == customer["email"]]
        person = " ".join(filter(None, (row.get("First Name"), row.get("Last Name"))))
        assert customer["name"] == (row[of.name] or person)
        assert customer["external_id"] == ((row[of.id].lstrip("'") or None) if of.id else None)


def one(clerk: Desk, file: str, email: str) -> dict[str, object]:
    clerk.run((FILES / file).read_bytes(), source=EXPORTS[file].source)
    (made,) = clerk.sql(
        """SELECT c.*, (SELECT json_agg(json_build_array(a.type, a.lines, a.city, a.region, a.postal_code, trim(a.country)) ORDER BY a.type)
             FROM customer_addresses a WHERE a.org_id = c.org_id AND a.customer_id = c.id) AS addresses,
             (SELECT json_agg(json_build_array(p.name, p.email, p.phone, p.role)) FROM customer_contacts p
               WHERE p.org_id = c.org_id AND p.customer_id = c.id) AS contacts
           FROM customers c WHERE c.org_id = :org AND c.email = :email""",
        email=email,
    )
    return made


def test_salesforces_accounts_keep_both_addresses_and_lines_within_a_cell(clerk: Desk) -> None:
    made = one(clerk, "salesforce_data_loader_accounts.csv", "ap@larkspur.example")
    assert made["addresses"] == [
        ["billing", ["12 Foundry Row", "Unit 4"], "Leeds", "West Yorkshire", "LS1 4AB", "GB"],
        ["shipping", ["9 Dock Rd"], "Hull", None, "HU1 2AA", "GB"],
    ]
    assert made["notes"] == 'Pays monthly, "on the dot"'


def test_terms_are_read_as_the_report_writes_them(clerk: Desk) -> None:
    assert one(clerk, "salesforce_report_accounts.csv", "rechnung@baer.example")["payment_terms"] == "NET45"


def test_xeros_contacts_have_postal_and_street_address_and_their_person(clerk: Desk) -> None:
    made = one(clerk, "xero_contacts.csv", "accounts@rowan.example")
    assert made["addresses"] == [
        ["billing", ["1 Mill Yard", "Old Mill"], "Bath", "Somerset", "BA1 1AA", "GB"],
        ["shipping", ["2 Shed Ln"], "Bristol", None, "BS1 1AA", "GB"],
    ]
    assert (made["contacts"], made["phone"], made["tax_id"]) == (
        [["Ida Rowan", None, None, None]], "01225 496 010", "GB123456789",
    )  # fmt: skip


def test_quickbooks_names_its_numbers_and_its_limits(clerk: Desk) -> None:
    made = one(clerk, "quickbooks_online_contact_list.csv", "ap@amberfreight.example")
    assert (made["phone"], made["contacts"]) == ("(555) 010-0110", [["Uma Amber", None, None, None]])
    made = one(another(clerk), "quickbooks_desktop_customers.csv", "ap@amberfreight.example")
    assert (made["payment_terms"], str(made["credit_limit"]), made["contacts"]) == (
        "NET30", "25000", [["Uma Amber", None, None, "Owner"]],
    )  # fmt: skip


def test_due_on_receipt_asks_for_terms_that_there_are_not(clerk: Desk) -> None:
    done = clerk.run((FILES / "quickbooks_desktop_customers.csv").read_bytes(), source="legacy_erp")
    (row,) = clerk.sql("SELECT errors FROM import_rows WHERE import_id = :id AND errors IS NOT NULL", id=done.id)
    assert "0 days, NET0 or DUE_ON_RECEIPT" in row["errors"][0]["detail"]
    again = another(clerk)
    again.sql("INSERT INTO payment_terms (org_id, code, days) VALUES (:org, 'NET0', 0) RETURNING 1")
    made = one(again, "quickbooks_desktop_customers.csv", "birch@birch.example")
    assert made["payment_terms"] == "NET0"


def test_a_shops_customer_without_a_company_is_the_person(clerk: Desk) -> None:
    made = one(clerk, "shopify_customers.csv", "holly@pett.example")
    assert (made["name"], made["external_id"]) == ("Holly Pett", "7210448301123")
    assert made["addresses"] == [["billing", ["12 Elm St", "Apt 4"], "Reno", "NV", "89501", "US"]]


def test_what_a_database_writes_for_nothing_is_nothing(clerk: Desk) -> None:
    content = (FILES / "northwind_customers.csv").read_text().replace("Fax\n", "Fax,Email\n")
    lines = [line + (f",c{n}@x.com" if n else "") for n, line in enumerate(content.splitlines())]
    done = clerk.run("\n".join(lines).encode(), source="legacy_erp")
    assert done.created == 2
    found = clerk.sql("SELECT city, region FROM customer_addresses WHERE org_id = :org ORDER BY city")
    assert found == [{"city": "Eugene", "region": "OR"}, {"city": "Marseille", "region": None}]
    null = clerk.run(b"name,email,phone,billing_address.region\nNull,null@x.com,NULL,NULL\n")
    assert (null.created, null.warning_rows) == (1, 0)


def test_dynamics_workbook_is_read_past_its_hidden_sheet(clerk: Desk) -> None:
    with (FILES / "dynamics_accounts.csv").open(newline="") as text:
        rows = list(csv.reader(text))
    book = of_sheets(("hiddenSheet", [["name", "email"], ["junk", "j@x.com"]], "hidden"), ("Active Accounts", rows, ""))
    done = clerk.run(book, source="legacy_erp")
    assert (done.status, done.total_rows, done.created) == ("COMPLETED_WITH_ERRORS", 2, 1), done.failure


CUSTOMERS = [["name", "email"], ["Acme", "a@x.com"]]


@pytest.mark.parametrize("source", ["xlsx", "legacy_erp"])
def test_of_several_sheets_the_one_that_is_shown_and_holds_customers_is_read(clerk: Desk, source: str) -> None:
    readme = [["Customers of the north"], ["as of today"]]
    for n, sheets in enumerate(
        [
            (("Read me", readme, ""), ("Data", CUSTOMERS, "")),
            (("Old", CUSTOMERS, "hidden"), ("Data", CUSTOMERS, ""), ("Totals", [["Total", 1]], "")),
            (("Data", [["Customers", ""], [], *CUSTOMERS], ""), ("Chart", [], "")),
        ]
    ):
        done = another(clerk).run(of_sheets(*sheets), source=source)
        assert (done.status, done.total_rows) == ("COMPLETED", 1), (n, done.failure)


def test_of_two_sheets_of_customers_none_is_passed_over_unseen(clerk: Desk) -> None:
    done = clerk.run(of_sheets(("North", CUSTOMERS, ""), ("South", [["Title"], *CUSTOMERS], "")), source="xlsx")
    assert done.failure is not None
    assert (done.status, done.failure.code, done.failure.line) == ("FAILED", "SHEETS_AMBIGUOUS", 2)
    assert "'North' and 'South'" in done.failure.detail
    done = another(clerk).run(of_sheets(("Empty", [], ""), ("Secret", CUSTOMERS, "hidden")), source="xlsx")
    assert done.failure is not None
    assert (done.failure.code, "'Secret'" in done.failure.detail) == ("FILE_EMPTY", True)


TITLES = [
    b"Customers\n\nname,email\nAcme,a@x.com\n",
    b"Customers as of 1 May, all regions\nname;email;phone\nAcme;a@x.com;\n",
    b"Report;;\nBy;Ann;\nname;email;phone\nAcme;a@x.com;\n",
    b"\xef\xbb\xbfOur customers\r\nE-mail\tName\r\na@x.com\tAcme\r\n",
    b'"A title, quoted"\nname,email\n"Acme","a@x.com"\n',
]


@pytest.mark.parametrize("content", TITLES)
def test_titles_above_the_header_are_no_rows(clerk: Desk, content: bytes) -> None:
    done = clerk.run(content)
    assert (done.status, done.total_rows, done.created) == ("COMPLETED", 1, 1), done.failure
    assert clerk.sql("SELECT name, email FROM customers WHERE org_id = :org") == [{"name": "Acme", "email": "a@x.com"}]


def test_a_wide_first_row_is_no_title(clerk: Desk) -> None:
    done = clerk.run(b"a,b,c\nname,email,phone\nAcme,a@x.com,\n")
    assert done.failure is not None
    assert (done.failure.code, done.failure.line, done.failure.column) == ("COLUMN_UNKNOWN", 1, 1)


LENIENT = [
    ("Name,E-Mail,Tax ID,Payment terms,Currency Code", "Acme,a@x.com,12-34,Net 30,usd"),
    ("NAME,EMAIL,tax id,payment_terms,currencycode", "Acme,a@x.com,12-34,net30,USD"),
    ("name,email,tax-id,payment-terms,currency-code", 'Acme,Ann <a@x.com>,12-34,30 days,"usd"'),
    ("name,email,Tax_ID,Payment_Terms,Currency_Code", "Acme,a@x.com; A@X.com,12-34,NET-30,Usd"),
]


@pytest.mark.parametrize(("header", "row"), LENIENT)
def test_plain_csv_takes_what_has_one_reading(clerk: Desk, header: str, row: str) -> None:
    done = clerk.run(f"{header}\n{row}\n".encode())
    assert done.status == "COMPLETED", (done.failure, said(clerk, done))
    made = clerk.sql("SELECT tax_id, payment_terms, currency_code, email FROM customers WHERE org_id = :org")
    assert made == [{"tax_id": "12-34", "payment_terms": "NET30", "currency_code": "USD", "email": "a@x.com"}]


def test_plain_csv_says_what_a_column_may_be_and_takes_nothing_that_it_does_not_know(clerk: Desk) -> None:
    done = clerk.run(b"name,email,VAT Number\nAcme,a@x.com,1\n")
    assert done.failure is not None
    assert (done.failure.code, done.failure.column) == ("COLUMN_UNKNOWN", 3)
    assert done.failure.detail.endswith("It may be tax_id.")


@pytest.mark.parametrize(
    ("column", "text"),
    [("email", "a@x.com; b@x.com"), ("billing_email", "a@x.com,b@x.com"), ("contact.email", "a@x.com b@x.com")],
)
def test_two_addresses_in_one_cell_are_named_as_such(clerk: Desk, column: str, text: str) -> None:
    header = "name,contact.name," + ("" if column == "email" else "email,") + column
    row = "Acme,Ann," + ("" if column == "email" else "c@x.com,") + f'"{text}"'
    done = clerk.run(f"{header}\n{row}\n".encode())
    (found,) = clerk.sql("SELECT errors FROM import_rows WHERE import_id = :id", id=done.id)
    (error,) = found["errors"]
    assert (error["column"], error["code"]) == (column, "EMAIL_INVALID")
    assert "2 e-mail addresses" in error["detail"]


@pytest.mark.parametrize(
    ("text", "limit"), [('"1,000,000.00"', "1000000"), ("1234.50", "1234.5"), ('"1.234,50"', "1234.5"), ("USD 5", "5")]
)
def test_plain_csv_takes_an_amount_that_is_one(clerk: Desk, text: str, limit: str) -> None:
    done = clerk.run(f"name,email,credit_limit\nAcme,a@x.com,{text}\n".encode())
    assert done.status == "COMPLETED", said(clerk, done)
    assert clerk.sql("SELECT trim_scale(credit_limit)::text AS n FROM customers WHERE org_id = :org") == [{"n": limit}]
