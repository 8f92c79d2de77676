"""The accounts of the stand-in for Salesforce: their description, and queries over all of them with locators."""

import re
from dataclasses import dataclass, field
from typing import Any

VERSION = "/services/data/v61.0"
STANDARD = (
    "Id", "Name", "AccountNumber", "Type", "Phone", "Website", "Description",
    *(f"{kind}{part}" for kind in ("Billing", "Shipping") for part in ("Street", "City", "State", "PostalCode", "Country")),
)  # fmt: skip
_SELECT = re.compile(
    r"SELECT (?P<fields>[\w, ]+), \(SELECT (?P<contact>[\w, ]+) FROM Contacts WHERE Email != null ORDER BY CreatedDate LIMIT 1\)"
    r" FROM Account(?: WHERE Id > '(?P<after>\w{15,18})')? ORDER BY Id"
)


@dataclass
class Accounts:
    """`rows` in any order, each with `Contacts` as a list of the stand-in's own. `custom` fields stand beside the standard."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    custom: tuple[str, ...] = ()
    locators: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    queries: int = 0
    announced: int | None = None
    """What totalSize says, where it lies."""

    def describe(self) -> dict[str, Any]:
        fields = [{"name": f, "type": "id" if f == "Id" else "string"} for f in (*STANDARD, *self.custom)]
        return {"name": "Account", "fields": [*fields, {"name": "BillingAddress", "type": "address"}]}

    def query(self, soql: str, page_size: int) -> tuple[int, Any]:
        """Status and body of a query over all accounts."""
        said = _SELECT.fullmatch(soql)
        if said is None:
            return 400, [{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}]
        asked = said["fields"].split(", ")
        if unknown := [f for f in asked if f not in (*STANDARD, *self.custom)]:
            return 400, [
                {"message": f"No such column '{unknown[0]}' on entity 'Account'", "errorCode": "INVALID_FIELD"}
            ]
        found = sorted((r for r in self.rows if r["Id"] > (said["after"] or "")), key=lambda r: r["Id"])
        contact = said["contact"].split(", ")
        records = [
            {"attributes": {"type": "Account"}, **{f: r.get(f) for f in asked}, "Contacts": _first(r, contact)}
            for r in found
        ]
        self.queries += 1
        locator = f"01g{self.queries:012d}AAQ"
        self.locators[locator] = records
        return 200, self._page(locator, 0, page_size)

    def more(self, path: str, page_size: int) -> tuple[int, Any]:
        """Status and body of a nextRecordsUrl."""
        locator, _, start = path.rpartition("/")[2].partition("-")
        if locator not in self.locators:
            return 400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
        return 200, self._page(locator, int(start), page_size)

    def _page(self, locator: str, start: int, page_size: int) -> dict[str, Any]:
        records = self.locators[locator]
        upto = start + page_size
        body = {
            "totalSize": self.announced or len(records),
            "done": upto >= len(records),
            "records": records[start:upto],
        }
        return body if body["done"] else body | {"nextRecordsUrl": f"{VERSION}/query/{locator}-{upto}"}


def _first(row: dict[str, Any], fields: list[str]) -> dict[str, Any] | None:
    held = [c for c in row.get("Contacts", []) if c.get("Email")]
    if not held:
        return None
    record = {"attributes": {"type": "Contact"}, **{f: held[0].get(f) for f in fields}}
    return {"totalSize": 1, "done": True, "records": [record]}
