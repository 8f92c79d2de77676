"""Every code of a single field: what is wrong with it, and what to send instead.

They stand in `errors` of a `VALIDATION_FAILED`, some also at the rows of an import. A code is part of the interface
(docs/api.md): it is never renamed. `docs/errors.md` lists them as they stand here; the codes of whole refusals, which a
field may bear too, are `models.errors.CODES`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FIELD_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Any field
        "FIELD_REQUIRED": "missing, or blank",
        "FIELD_UNKNOWN": "no such field, form field or query parameter; the detail names the nearest and all that are known",
        "FIELD_REPEATED": "a query parameter, header or form field that is taken once was sent more than once",
        "FIELD_TYPE": 'of another JSON type (`"12"`, `12.0` and `true` are no integers), or with a NUL character',
        "FIELD_LENGTH": "too short or too long; lists too",
        "FIELD_READ_ONLY": "a field that follows from others was sent with another value than it was read with",
        "FIELD_RANGE": "a number or date out of range (amounts are int64)",
        "FIELD_FORMAT": "of another form, or with control characters or invisible ones that deceive",
        "FIELD_CHOICE": "none of the allowed words",
        "FIELD_DUPLICATE": "a list names one thing twice; send it once, or update the item that is there",
        "FIELD_INVALID": "anything else; the detail says what",
        "JSON_INVALID": "the body is not JSON in UTF-8, repeats a member, or holds NaN or a number out of all range",
        # Values
        "DATE_INVALID": "not a date written `YYYY-MM-DD`, or no such day; not a moment written as in RFC 3339",
        "DECIMAL_INVALID": "not a plain decimal: digits with at most one point",
        "CURRENCY_INVALID": "not a currency of ISO 4217 with minor units, in capitals",
        "COUNTRY_INVALID": "not a country of ISO 3166-1, two capitals",
        "EMAIL_INVALID": "not one e-mail address; send exactly one, with a host name that has a dot",
        "PHONE_INVALID": "not a telephone number",
        "WEBSITE_INVALID": "not an http or https address",
        "URL_INVALID": "not an https address without user or fragment; a webhook's is public, a connection's at an allowed host",
        "IBAN_INVALID": "an IBAN whose check digits do not fit: it was copied wrongly",
        "METADATA_TOO_DEEP": "metadata has more levels than are kept; flatten it",
        "METADATA_TOO_LARGE": "metadata has more bytes than are kept; the detail says how many",
        # Lists and pages
        "CURSOR_INVALID": "not a `next_cursor` of this list",
        "CURSOR_EXPIRED": "what followed has been taken away ([operations](operations.md#how-long-things-are-kept)): read anew",
        # Invoices, payments, sessions
        "INVOICE_REPEATED": "an invoice appears more than once in one request: add its amounts up",
        "PAYMENT_REPEATED": "a payment appears more than once in one request: name it once",
        "DUE_BEFORE_ISSUE": "the due date is before the issue date",
        "TAX_EXCEEDS_TOTAL": "the tax is more than the total, which includes it",
        "LINES_DO_NOT_ADD_UP": "the lines add up to neither the total nor the total without tax",
        "CERTIFICATE_REQUIRED": "tax withheld names its certificate in `note`",
        "FX_NOT_APPLICABLE": "a rate, or another amount, for an invoice in the payment's own currency: leave both out",
        "RATE_OF_ITSELF": "a currency has no rate to itself: name two",
        "RATE_REPEATED": "the same pair and date appear more than once in one request",
        "DATE_FORMAT_INVALID": "a statement format's dates name day, month and year: `DD/MM/YYYY`, `%d/%m/%Y` or `dmy`",
        # Master data
        "DISCOUNT_INCOMPLETE": "payment terms have a discount's percentage and its days, or neither",
        "ROLE_UNKNOWN": "no role, or none that may have this; the detail or [roles](roles.md) name those that there are",
        "NAMED_TWICE": "an organisation's file gives one id to two things",
        # Customers
        "CUSTOMER_TYPE_INVALID": "no customer type; the detail names them",
        "CREDIT_LIMIT_NEGATIVE": "a credit limit is 0 or more; null is none",
        "ENTITY_UNKNOWN": "there is no such legal entity",
        "EFFECTIVE_RANGE_INVALID": "a range of days ends before it begins",
        "QUANTITY_RANGE_INVALID": "a tier's `max_quantity` is below its `min_quantity`",
        "PRICING_TIERS_OVERLAP": "two tiers of one item hold for the same quantity on the same day: part them",
        "PAYS_FOR_OVERLAP": "`pays_for` names one customer twice on the same day: part the days",
        # Imports, sources, webhooks, exceptions
        "MAPPING_INVALID": "a mapping to a field that no customer has, or two columns to one field",
        "MAPPING_UNKNOWN": "there is no saved mapping of this name",
        "EXTERNAL_ID_REPEATED": "an `external_id` appears more than once in one request",
        "PANEL_UNKNOWN": "a panel that no external system may serve; the detail names those that one may",
        "PANEL_TAKEN": "another connection serves the panel: take it from that one first",
        "EVENT_TYPE_UNKNOWN": "there is no such type of event ([events](events.md))",
        "OWNER_REQUIRED": "give `owner_role` or `owner_user`, one of them",
    }
)
