"""The column names that other systems export by default, and the field of a customer that each is.

From the products' own exports and their documentation; columns that say nothing of a customer are left out. Names compare as
`normal` has them.
"""

import re
from collections.abc import Mapping
from typing import Final


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
        external_id: Record ID, Company ID, hs_object_id, Record ID - Company, Primary Associated Company ID
        phone: Phone Number, Phone, Company Phone
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
    # NetSuite, Sage, QuickBooks, SAP (KNA1 and friends), Xero, Zoho, Dynamics and Business Central, Shopify, Northwind.
    "legacy_erp": _preset("""
        name: Company Name, Company, Customer, Customer Name, Name, NAME1, Display Name, Account Name
        name: Customer Full Name, Default Address Company, Firma
        email: Email, E-mail, E_MAIL, Main Email, Email Address, SMTP_ADDR, Primary Email, Email ID
        email: Email (Primary Contact), Email (Primary Contact) (Contact), E-mail Address
        external_id: Internal ID, External ID, ID, Customer ID, Account Reference, ACCOUNT_REF, Account Ref
        external_id: Account No., KUNNR, Customer Number, Account Number, Record Id, No., REFNUM
        external_id: (Do Not Modify) Account, Contact ID
        phone: Phone, Main Phone, Telephone, TELEPHONE, TELF1, Phone Number, Phone No., Phone Numbers
        phone: Business Phone, PHONE1, Default Address Phone, Telephone 1, Telefon 1
        website: Web Address, Website, WEB_ADDRESS, URL, Web Site, Web Page, Home Page
        billing_email: Billing Email, Invoice Email, Statement Email
        tax_id: Tax Reg. Number, VAT Registration No., VAT Reg. Number, VAT_REG_NUMBER, Tax ID
        tax_id: Tax Number, STCEG, STCD1, Vat Number
        notes: Comments, Notes, Memo, Customer Notes, Note, NOTEPAD, Description
        credit_limit: Credit Limit, CREDIT_LIMIT, KLIMK, Credit Limit (LCY), Credit Limit ($), LIMIT
        payment_terms: Terms, Payment Terms, ZTERM, TERMS, Payment Terms Code, Payment Terms Label
        currency_code: Currency, CURRENCY, WAERS, Currency Code
        tax_code: Tax Code, Sales Tax Code, DEF_TAX_CODE, AccountsReceivableTaxCodeName
        billing_address.lines: Bill to 1, Bill to 2, Bill to 3, Bill to 4, Bill to 5, Bill to Street 1
        billing_address.lines: ADDRESS_1, ADDRESS_2, Address, Billing Street, Billing Address 1, STRAS, Street
        billing_address.lines: Bill Address, Billing Address, Billing Street 2, Street Address
        billing_address.lines: PO Address Line 1, PO Address Line 2, PO Address Line 3, PO Address Line 4
        billing_address.lines: BADDR1, BADDR2, BADDR3, BADDR4, BADDR5, Address 1: Street 1, Address 1: Street 2
        billing_address.lines: Default Address Address 1, Default Address Address 2, Straße
        billing_address.city: Billing City, Bill to City, City, ADDRESS_3, ORT01, PO City, Address 1: City
        billing_address.city: Default Address City, Ort
        billing_address.region: Billing State/Province, Billing State, Bill to State, State, ADDRESS_4, REGIO
        billing_address.region: Region, PO Region, State/Province, Address 1: State/Province
        billing_address.region: Default Address Province Code
        billing_address.postal_code: Billing Zip, Bill to Zip, Zip, Postcode, Postal Code, ADDRESS_5, PSTLZ
        billing_address.postal_code: Billing Code, PO Postal Code, Post Code, ZIP/Postal Code
        billing_address.postal_code: Address 1: ZIP/Postal Code, Default Address Zip, PLZ
        billing_address.country: Billing Country, Bill to Country, Country, COUNTRY_CODE, LAND1, PO Country
        billing_address.country: Country/Region, Country/Region Code, Address 1: Country/Region
        billing_address.country: Default Address Country Code, Land, Country Key
        shipping_address.lines: Shipping Street, Shipping Address, Shipping Street 2, Ship Address
        shipping_address.lines: Ship to 1, Ship to 2, Ship to 3, Ship to 4, Ship to 5
        shipping_address.lines: SA Address Line 1, SA Address Line 2, SA Address Line 3, SA Address Line 4
        shipping_address.lines: SADDR1, SADDR2, SADDR3, SADDR4, SADDR5
        shipping_address.city: Shipping City, SA City
        shipping_address.region: Shipping State, SA Region
        shipping_address.postal_code: Shipping Code, Shipping Zip, SA Postal Code
        shipping_address.country: Shipping Country, SA Country
        contact.name: Contact, Contact Name, CONTACT_NAME, Primary Contact, First Name, Last Name, Full Name, CONT1
        contact.role: Contact Title, Job Title
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
