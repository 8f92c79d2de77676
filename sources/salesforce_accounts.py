"""Customers from Salesforce: every account, with its first contact that has an e-mail address, by SOQL in pages.

The columns carry Salesforce's API names, so that the import's preset knows them as it knows those of an export. Which of
them an organisation has, and which custom fields a mapping may name, its description says (sobjects/Account/describe).
Accounts come in the order of their ids: where a query's locator has run out (they live for two days), the pull goes on
behind the last id that it has kept.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

from sources.protocol import Bookmark, Connection, CustomerPage, SourceError
from sources.salesforce_rest import API, Refused, Rest, session

ACCOUNT: Final = (
    "Id", "Name", "Email__c", "Phone", "Website", "Description", "CurrencyIsoCode", "Tax_Id__c", "VAT_Number__c",
    "Credit_Limit__c", "Payment_Terms__c",
    *(f"{kind}{part}" for kind in ("Billing", "Shipping") for part in ("Street", "City", "State", "PostalCode", "Country")),
)  # fmt: skip
"""Fields that are asked for where the organisation has them."""
CONTACT: Final = {
    "Email": "Email",
    "FirstName": "FirstName",
    "LastName": "LastName",
    "Title": "Title",
    "Contact.Email": "Email",
    "Contact.Phone": "Phone",
}
"""Columns of the first contact: its address is the customer's where the account has none of its own."""
PAGE_BYTES: Final = 32 * 1024 * 1024
DESCRIPTION_BYTES: Final = 16 * 1024 * 1024
CELL_LIMIT: Final = 100_000
"""Characters that are kept of a field. More than any field of a customer may have, so its check refuses what was cut."""
ROW_LIMIT: Final = 800_000
_ID: Final = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_COMPOUND: Final = ("address", "location", "base64")


class SalesforceAccounts:
    """The connector (see `sources.protocol.CustomerSource`)."""

    def __init__(self) -> None:
        self._rest = Rest()

    async def columns(self, connection: Connection, also: Collection[str]) -> list[str]:
        """Known fields that the organisation has, then those of `also`, then the contact's."""
        said = await self._ask(connection, f"{API}/sobjects/Account/describe", None, DESCRIPTION_BYTES)
        fields = said.get("fields")
        if not isinstance(fields, list) or not all(isinstance(f, dict) for f in fields):
            raise SourceError("SOURCE_RESPONSE_INVALID", "fields")
        there = {f.get("name") for f in fields if f.get("type") not in _COMPOUND}
        if not {"Id", "Name"} <= there:
            raise SourceError("SOURCE_RESPONSE_INVALID", "Account")
        more = sorted(f for f in also if _FIELD.fullmatch(f) and f in there and f not in ACCOUNT)
        return [*(f for f in ACCOUNT if f in there), *more, *CONTACT]

    async def page(self, connection: Connection, columns: Sequence[str], at: Bookmark) -> CustomerPage:
        """The next page, by the locator where there is one that still serves, else behind the last id."""
        if at.page is not None:
            try:
                body = await self._ask(connection, at.page, None, PAGE_BYTES)
            except Refused as no:
                if not no.codes & {"INVALID_QUERY_LOCATOR", "INVALID_QUERY_CURSOR", "NOT_FOUND"}:
                    raise SourceError("SOURCE_QUERY_REFUSED", str(no)) from None
            else:
                return _page(body, columns, at)
            at = Bookmark(None, at.last, at.pulled, at.pulled)
        try:
            body = await self._ask(connection, f"{API}/query", {"q": _soql(columns, at.last)}, PAGE_BYTES)
        except Refused as no:
            raise SourceError("SOURCE_QUERY_REFUSED", str(no)) from None
        return _page(body, columns, at)

    async def _ask(self, c: Connection, path: str, params: dict[str, str] | None, limit: int) -> Mapping[str, object]:
        async with session(c) as http:
            return await self._rest.get(http, c, path, params, limit)


def _soql(columns: Sequence[str], last: str | None) -> str:
    fields = [c for c in columns if c not in CONTACT]
    contact = ", ".join(dict.fromkeys(CONTACT.values()))
    first = f"(SELECT {contact} FROM Contacts WHERE Email != null ORDER BY CreatedDate LIMIT 1)"
    behind = f" WHERE Id > '{last}'" if last else ""
    return f"SELECT {', '.join(fields)}, {first} FROM Account{behind} ORDER BY Id"


def _page(body: Mapping[str, object], columns: Sequence[str], at: Bookmark) -> CustomerPage:
    records, total, done, following = (body.get(k) for k in ("records", "totalSize", "done", "nextRecordsUrl"))
    if not isinstance(records, list) or not isinstance(total, int) or not isinstance(done, bool):
        raise SourceError("SOURCE_RESPONSE_INVALID", "page")
    if (following is None) is not done or not isinstance(following, str | None):
        raise SourceError("SOURCE_RESPONSE_INVALID", "page")
    if not done and not records:
        raise SourceError("SOURCE_RESPONSE_INVALID", "an empty page that is not the last")
    rows = [_row(r, columns) for r in records]
    last = rows[-1][columns.index("Id")] if rows else at.last
    pulled = at.pulled + len(rows)
    return CustomerPage(rows, at.before + total, Bookmark(following, last, pulled, at.before), done)


def _row(record: object, columns: Sequence[str]) -> list[str]:
    if not isinstance(record, dict) or not isinstance(record.get("Id"), str) or not _ID.fullmatch(record["Id"]):
        raise SourceError("SOURCE_RESPONSE_INVALID", "Id")
    contact = _first(record.get("Contacts"))
    row = [_text(contact.get(CONTACT[c]) if c in CONTACT else record.get(c)) for c in columns]
    if sum(map(len, row)) > ROW_LIMIT:
        # One cell too many: the row fails with COLUMN_COUNT, and the others go on.
        return [*(cell[: ROW_LIMIT // len(row)] for cell in row), "(shortened: the record is too large)"]
    return row


def _first(contacts: object) -> Mapping[str, object]:
    if contacts is None:
        return {}
    found = contacts.get("records") if isinstance(contacts, dict) else None
    if not isinstance(found, list) or not all(isinstance(c, dict) for c in found):
        raise SourceError("SOURCE_RESPONSE_INVALID", "Contacts")
    return found[0] if found else {}


def _text(value: object) -> str:
    """A field as the text that an export would hold. NUL, which no text of ours may hold, is left out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if abs(value.adjusted()) >= 30:
            return str(value)
        text = f"{value:f}"
        # A file's "1.234" may be two numbers; this one is not.
        return text + "0" if len(text.partition(".")[2]) == 3 else text
    if not isinstance(value, str):
        raise SourceError("SOURCE_RESPONSE_INVALID", "field")
    return value[:CELL_LIMIT].replace("\0", "")
