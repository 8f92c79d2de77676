"""Which column of a file is which field of a customer: the names that each source uses, and the caller's mapping.

The plain formats (csv, xlsx, ndjson) use the field names of `POST /v1/customers` and refuse unknown columns. Exports of
CRM and ERP systems carry many columns that are none of ours: those are left out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from models.imports.files import Unreadable
from models.imports.report import REPORT_COLUMNS, is_report

PLAIN_FIELDS: Final = (
    "name", "email", "legal_entity_id", "external_id", "phone", "website", "billing_email", "tax_id", "notes",
    "customer_type", "credit_limit", "payment_terms", "currency_code", "tax_code", "revenue_account", "metadata",
)  # fmt: skip
_ADDRESS: Final = ("lines", "city", "region", "postal_code", "country")
RELATED_FIELDS: Final = (
    *(f"{kind}_address.{part}" for kind in ("billing", "shipping") for part in _ADDRESS),
    "contact.name", "contact.email", "contact.phone", "contact.role",
    "tax_profile.tax_code", "tax_profile.certificate_number", "tax_profile.certificate_expires_on",
    "tax_profile.effective_from", "tax_profile.effective_to",
)  # fmt: skip
FIELDS: Final = frozenset((*PLAIN_FIELDS, *RELATED_FIELDS))
"""What a column may be mapped to; and `metadata.<key>`."""
JOINED: Final = frozenset({"contact.name", "billing_address.lines", "shipping_address.lines", "notes"})
"""Fields that several columns may fill together; of others, the first column that is not empty counts."""
COLUMN_LIMIT: Final = 2000
METADATA_KEY: Final = re.compile(r"metadata\.[^.\x00-\x1f\x7f]{1,64}")
_OBJECT: Final = {"addresses", "contacts", "pricing_tiers", "tax_profiles", "dimensions", "entity_overrides"}


def _preset(text: str) -> dict[str, str]:
    """`field: Column, Other Column` per line, as a mapping from the normalised column name."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        field, names = line.split(":", 1)
        found |= {normal(name): field.strip() for name in names.split(",")}
    return found


def normal(name: str) -> str:
    """Column names compare without case, spaces and punctuation: "Billing Street" and BillingStreet are one."""
    return re.sub(r"[\W_]+", "", name.casefold())


PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    # Account and Contact exports, by API name and by label; Email__c is the customary custom field of accounts.
    "salesforce": _preset("""
        name: Account Name, Name, AccountName, Account.Name
        email: Email, Account Email, Email__c, Company Email
        external_id: Account ID, Id, AccountId, Account Number, AccountNumber
        phone: Phone, Account Phone, Business Phone
        website: Website
        tax_id: Tax ID, Tax_Id__c, VAT Number, VAT_Number__c
        notes: Description, Account Description
        credit_limit: Credit Limit, Credit_Limit__c
        payment_terms: Payment Terms, Payment_Terms__c
        currency_code: Account Currency, CurrencyIsoCode
        billing_address.lines: Billing Street, BillingStreet, Mailing Street, MailingStreet
        billing_address.city: Billing City, Mailing City
        billing_address.region: Billing State, Billing State/Province, BillingState, Mailing State, Mailing State/Province
        billing_address.postal_code: Billing Zip/Postal Code, Billing Postal Code, Mailing Postal Code, Mailing Zip/Postal Code
        billing_address.country: Billing Country, Billing Country Code, Mailing Country
        shipping_address.lines: Shipping Street
        shipping_address.city: Shipping City
        shipping_address.region: Shipping State, Shipping State/Province
        shipping_address.postal_code: Shipping Zip/Postal Code, Shipping Postal Code
        shipping_address.country: Shipping Country
        contact.name: First Name, FirstName, Last Name, LastName
        contact.role: Title
        contact.email: Contact Email, Contact.Email
        contact.phone: Contact Phone, Contact.Phone
    """),
    "hubspot": _preset("""
        name: Company name, Name, Associated Company, Primary Associated Company, Company
        contact.name: First Name, Last Name
        contact.role: Job Title
        email: Company email, Email, Contact email
        external_id: Record ID, Company ID, hs_object_id
        phone: Phone Number, Phone
        website: Website URL, Company Domain Name, Domain, Website
        tax_id: Tax ID, VAT Number
        notes: Description, About Us
        credit_limit: Credit Limit
        payment_terms: Payment Terms
        currency_code: Currency, Company currency
        billing_address.lines: Street Address, Address, Street Address 2, Address2
        billing_address.city: City
        billing_address.region: State/Region, State
        billing_address.postal_code: Postal Code, Zip
        billing_address.country: Country/Region, Country
    """),
    # NetSuite, Sage, QuickBooks, SAP (KNA1 and friends).
    "legacy_erp": _preset("""
        name: Company Name, Company, Customer, Customer Name, Name, NAME1, Display Name, Account Name
        email: Email, E-mail, E_MAIL, Main Email, Email Address, SMTP_ADDR, Primary Email
        external_id: Internal ID, External ID, ID, Customer ID, Account Reference, ACCOUNT_REF, Account Ref
        external_id: Account No., KUNNR, Customer Number
        phone: Phone, Main Phone, Telephone, TELEPHONE, TELF1, Phone Number
        website: Web Address, Website, WEB_ADDRESS, URL, Web Site
        billing_email: Billing Email, Invoice Email, Statement Email
        tax_id: Tax Reg. Number, VAT Registration No., VAT Reg. Number, VAT_REG_NUMBER, Tax ID
        tax_id: Tax Number, STCEG, STCD1, Vat Number
        notes: Comments, Notes, Memo, Customer Notes
        credit_limit: Credit Limit, CREDIT_LIMIT, KLIMK
        payment_terms: Terms, Payment Terms, ZTERM, TERMS
        currency_code: Currency, CURRENCY, WAERS, Currency Code
        tax_code: Tax Code, Sales Tax Code, DEF_TAX_CODE
        billing_address.lines: Bill to 1, Bill to 2, Bill to Street 1, ADDRESS_1, ADDRESS_2, Address 1, Address 2
        billing_address.lines: Billing Street, Billing Address 1, STRAS
        billing_address.city: Billing City, Bill to City, City, ADDRESS_3, ORT01
        billing_address.region: Billing State/Province, Billing State, Bill to State, State, ADDRESS_4, REGIO
        billing_address.postal_code: Billing Zip, Bill to Zip, Zip, Postcode, Postal Code, ADDRESS_5, PSTLZ
        billing_address.country: Billing Country, Bill to Country, Country, COUNTRY_CODE, LAND1
        contact.name: Contact, Contact Name, CONTACT_NAME, Primary Contact
    """),
    "partner_feed": _preset("""
        name: name, customer_name, company, company_name
        email: email, email_address, mail
        external_id: external_id, id, customer_id, partner_customer_id, reference
        phone: phone, telephone
        website: website, url
        billing_email: billing_email, invoice_email
        tax_id: tax_id, vat_number, tax_number, vat_id, ein
        notes: notes, comment
        customer_type: customer_type, type, segment
        credit_limit: credit_limit
        payment_terms: payment_terms, terms
        currency_code: currency_code, currency
        tax_code: tax_code
        revenue_account: revenue_account
        legal_entity_id: legal_entity_id, legal_entity
        billing_address.lines: street, address, address_line_1, address_line_2, billing_street
        billing_address.city: city, billing_city
        billing_address.region: region, state, billing_state
        billing_address.postal_code: postal_code, zip, postcode, billing_postal_code
        billing_address.country: country, country_code, billing_country
    """),
}
PLAIN: Final = frozenset({"csv", "xlsx", "ndjson"})


def resolve(
    header: Sequence[str], source: str, mapping: Mapping[str, str | None] | None, line: int = 1
) -> list[str | None]:
    """The field of each column, None for those left out.

    Raises COLUMN_DUPLICATE, COLUMN_UNKNOWN, COLUMN_MISSING, TOO_MANY_COLUMNS, MAPPING_INVALID with line and column.
    """
    given = {normal(name): field for name, field in (mapping or {}).items()}
    check_mapping(mapping)
    if len(header) > COLUMN_LIMIT:
        raise Unreadable("TOO_MANY_COLUMNS", f"The header has {len(header)} columns.", line, COLUMN_LIMIT + 1)
    seen: dict[str, int] = {}
    own = len(REPORT_COLUMNS) if is_report(header) else 0
    fields: list[str | None] = [None] * own
    for number, raw in enumerate(header[own:], own + 1):
        name = raw.strip()
        if not name:  # no column, as long as no row says anything in it
            fields.append(None)
            continue
        key = normal(name)
        field = given[key] if key in given else _known(name, source)
        if field is None and key not in given and source in PLAIN:
            raise Unreadable(
                "COLUMN_UNKNOWN",
                f"Column {number}, {name[:60]!r}, is no field of a customer: map it, or leave it out.",
                line,
                number,
            )
        # Of an export only the columns that count may not repeat.
        if key in seen and (field is not None or source in PLAIN):
            raise Unreadable(
                "COLUMN_DUPLICATE", f"Column {number} has the same name as column {seen[key]}.", line, number
            )
        seen.setdefault(key, number)
        fields.append(field)
    if missing := sorted(set(given) - set(seen)):
        raise Unreadable(
            "MAPPING_INVALID",
            f"The mapping names columns that the file does not have: {', '.join(missing)[:200]}.",
            line,
        )
    _complete(fields, source, line)
    return fields


def nameless(header: Sequence[str], source: str) -> list[int]:
    """The columns (from 0) of a plain file that have no name: they must be empty in every row."""
    return [n for n, raw in enumerate(header) if not raw.strip()] if source in PLAIN else []


def check_mapping(mapping: Mapping[str, str | None] | None) -> None:
    """Refuse a mapping to a field that no customer has, or two columns to one plain field: MAPPING_INVALID."""
    targets = [f for f in (mapping or {}).values() if f is not None]
    for field in targets:
        if field not in FIELDS and not METADATA_KEY.fullmatch(field):
            raise Unreadable("MAPPING_INVALID", f"{field[:60]!r} is no field of a customer.")
    twice = sorted({f for f in targets if targets.count(f) > 1 and f not in JOINED})
    if twice:
        raise Unreadable("MAPPING_INVALID", f"Two columns are mapped to {', '.join(twice)}.")


def _known(name: str, source: str) -> str | None:
    if source in PLAIN:
        plain = name.casefold()
        return plain if plain in FIELDS else _own_key(name)
    found = PRESETS[source].get(normal(name))
    return found if found is not None else name if name in FIELDS else _own_key(name)


def _own_key(name: str) -> str | None:
    """A column `metadata.anything`; the key keeps its case."""
    noun, _, key = name.partition(".")
    field = f"{noun.casefold()}.{key}"
    return field if METADATA_KEY.fullmatch(field) else None


def _complete(fields: Sequence[str | None], source: str, line: int) -> None:
    plain = [f for f in fields if f is not None and f not in JOINED]
    if source in PLAIN and len(set(plain)) != len(plain):
        twice = next(f for f in plain if plain.count(f) > 1)
        raise Unreadable("COLUMN_DUPLICATE", f"Two columns are mapped to {twice}.", line)
    # Of an export the rows without an e-mail are rows to complete, and be it all of them.
    for needed in ("name", "email") if source in PLAIN else ("name",):
        if needed not in fields:
            raise Unreadable("COLUMN_MISSING", f"No column is the customer's {needed}.", line, 1)
