"""Customers from HubSpot: every company, with its first associated contact that has an e-mail address.

Companies come page by page in the order of their ids, `after` being the last one's; their contacts are read a hundred at a time.
The columns carry names that the import's preset knows, and of the properties that the account has those that a mapping names.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import httpx2

from sources.asking import session
from sources.hubspot_rest import Rest, following, properties, record_id, results
from sources.protocol import Bookmark, Connection, CustomerPage, SourceError

COMPANY: Final = {
    "hs_object_id": "hs_object_id",
    "Company name": "name",
    "Company phone": "phone",
    "Website URL": "website",
    "Company Domain Name": "domain",
    "Description": "description",
    "Street Address": "address",
    "Street Address 2": "address2",
    "City": "city",
    "State/Region": "state",
    "Postal Code": "zip",
    "Country/Region": "country",
}
"""Columns of a company, and the properties that fill them."""
CONTACT: Final = {
    "First Name": "firstname", "Last Name": "lastname", "Job Title": "jobtitle", "Email": "email", "Phone Number": "phone",
}  # fmt: skip
"""Columns of its first contact: whose address is the customer's."""
PAGE: Final = 100
CONTACTS_EACH: Final = 5
"""Of a company's contacts so many are looked at for one with an address."""
PAGE_BYTES: Final = 32 * 1024 * 1024
CELL_LIMIT: Final = 100_000
ROW_LIMIT: Final = 800_000


class HubSpotCompanies:
    """The connector (see `sources.protocol.CustomerSource`)."""

    def __init__(self) -> None:
        self._rest = Rest()

    async def columns(self, connection: Connection, also: Collection[str]) -> list[str]:
        """The known columns, then of `also` the properties that the account has."""
        async with session(connection) as http:
            said = await self._rest.get(http, connection, "/crm/v3/properties/companies", None, PAGE_BYTES)
        there = {r.get("name") for r in results(said)}
        if "name" not in there:
            raise SourceError("SOURCE_RESPONSE_INVALID", "name")
        more = sorted(name for name in also if name in there and name not in COMPANY.values())
        return [*COMPANY, *more, *CONTACT]

    async def page(self, connection: Connection, columns: Sequence[str], at: Bookmark) -> CustomerPage:
        """The companies behind the bookmark."""
        asked = [COMPANY.get(c, c) for c in columns if c not in CONTACT]
        params = {"limit": str(PAGE), "properties": ",".join(asked), "associations": "contacts", "archived": "false"}
        if at.page is not None:
            params["after"] = at.page
        async with session(connection) as http:
            body = await self._rest.get(http, connection, "/crm/v3/objects/companies", params, PAGE_BYTES)
            companies, after = results(body), following(body)
            if after is not None and not companies:
                raise SourceError("SOURCE_RESPONSE_INVALID", "an empty page that is not the last")
            contacts = await self._contacts(http, connection, companies)
        rows = [_row(company, columns, contacts) for company in companies]
        last = record_id(companies[-1]) if companies else at.last
        mark = Bookmark(after, last, at.pulled + len(rows), at.before)
        return CustomerPage(rows, None, mark, after is None)

    async def _contacts(
        self, http: httpx2.AsyncClient, c: Connection, companies: Sequence[Mapping[str, object]]
    ) -> dict[str, Mapping[str, str]]:
        wanted = list(dict.fromkeys(i for company in companies for i in _associated(company)))
        found: dict[str, Mapping[str, str]] = {}
        for start in range(0, len(wanted), PAGE):
            inputs = [{"id": i} for i in wanted[start : start + PAGE]]
            body = {"properties": list(CONTACT.values()), "inputs": inputs}
            page = await self._rest.post(http, c, "/crm/v3/objects/contacts/batch/read", body, PAGE_BYTES)
            found |= {record_id(r): properties(r) for r in results(page)}
        return found


def _associated(company: Mapping[str, object]) -> list[str]:
    """The ids of a company's first contacts; the same contact stands there once for every way of association."""
    said = company.get("associations")
    of_contacts = said.get("contacts") if isinstance(said, dict) else None
    if of_contacts is None:
        return []
    if not isinstance(of_contacts, dict):
        raise SourceError("SOURCE_RESPONSE_INVALID", "associations")
    return list(dict.fromkeys(record_id(r) for r in results(of_contacts)))[:CONTACTS_EACH]


def _row(company: Mapping[str, object], columns: Sequence[str], contacts: Mapping[str, Mapping[str, str]]) -> list[str]:
    said = {**properties(company), "hs_object_id": record_id(company)}
    there = [contacts[i] for i in _associated(company) if i in contacts]
    contact = next((c for c in there if c.get("email")), {})
    row = [_text(contact.get(CONTACT[c]) if c in CONTACT else said.get(COMPANY.get(c, c))) for c in columns]
    if sum(map(len, row)) > ROW_LIMIT:
        # One cell too many: the row fails with COLUMN_COUNT, and the others go on.
        return [*(cell[: ROW_LIMIT // len(row)] for cell in row), "(shortened: the record is too large)"]
    return row


def _text(value: str | None) -> str:
    """A property as the text that an export would hold. NUL, which no text of ours may hold, is left out."""
    return "" if value is None else value[:CELL_LIMIT].replace("\0", "")
