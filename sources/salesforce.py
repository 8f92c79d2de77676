"""Panels from Salesforce: opportunities, quotes and cases of one account.

SOQL by GET /services/data/vXX.0/query, following `nextRecordsUrl`. Fields that not every organisation has (CurrencyIsoCode
without multi-currency, MilestoneStatus without entitlements) are asked for first and left out where Salesforce answers
INVALID_FIELD.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import httpx2
from pydantic import ValidationError

from models.customer_360.records import Case, Opportunity, Quote, SourceFacts
from models.customer_360.source_records import CaseRecord, OpportunityRecord, QuoteRecord
from models.money import in_minor, is_currency
from sources.protocol import Asked, Connection, SourceError
from sources.salesforce_rest import API, Refused, Rest, session

MAX_RECORDS: Final = 200
MAX_PAGES: Final = 10
_ID: Final = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")


@dataclass(frozen=True)
class _Query:
    """What is asked of one object, and how one of its records is read."""

    panel: str
    sobject: str
    fields: tuple[str, ...]
    optional: str
    where: str
    order: str
    read: Callable[[Mapping[str, object], Asked], SourceFacts]

    def soql(self, account: str, with_optional: bool) -> str:
        fields = ", ".join([*self.fields, *([self.optional] if with_optional else [])])
        return (
            f"SELECT {fields} FROM {self.sobject} WHERE AccountId = '{account}' AND {self.where} "
            f"ORDER BY {self.order} LIMIT {MAX_RECORDS}"
        )


def _minor(r: Mapping[str, object], field: str, currency: str) -> int | None:
    value = r.get(field)
    if value is None:
        return None
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise SourceError("SOURCE_RESPONSE_INVALID", field)
    return in_minor(Decimal(value), currency)


def _currency(r: Mapping[str, object], asked: Asked) -> str:
    code = r.get("CurrencyIsoCode") or asked.currency_code
    if not isinstance(code, str) or not is_currency(code):
        raise SourceError("SOURCE_RESPONSE_INVALID", "CurrencyIsoCode")
    return code


def _opportunity(r: Mapping[str, object], asked: Asked) -> Opportunity:
    currency = _currency(r, asked)
    record = OpportunityRecord.model_validate(
        {
            "external_id": r.get("Id"),
            "customer_id": asked.customer_id,
            "name": _short(r.get("Name")),
            "value_minor": _minor(r, "Amount", currency) or 0,
            "currency_code": currency,
            "stage": r.get("StageName"),
            "close_date": r.get("CloseDate"),
        }
    )
    return replace(record.facts(_today()), closed=r.get("IsClosed") is True)


def _quote(r: Mapping[str, object], asked: Asked) -> Quote:
    currency = _currency(r, asked)
    record = QuoteRecord.model_validate(
        {
            "external_id": r.get("Id"),
            "customer_id": asked.customer_id,
            "name": _short(r.get("Name")),
            "value_minor": _minor(r, "GrandTotal", currency),
            "currency_code": currency,
            "status": r.get("Status"),
            "expiry_date": r.get("ExpirationDate"),
        }
    )
    return record.facts(_today())


_MILESTONES: Final = {"Compliant": "on_track", "Open Violation": "breached", "Closed Violation": "breached"}


def _case(r: Mapping[str, object], asked: Asked) -> Case:
    milestone = r.get("MilestoneStatus")
    record = CaseRecord.model_validate(
        {
            "external_id": r.get("Id"),
            "customer_id": asked.customer_id,
            "subject": _short(r.get("Subject") or f"Case {r.get('CaseNumber')}"),
            "priority": r.get("Priority") or "none",
            "status": r.get("Status"),
            "sla_status": _MILESTONES.get(milestone, "none") if isinstance(milestone, str) else "none",
        }
    )
    return replace(record.facts(_today()), closed=r.get("IsClosed") is True)


def _today() -> date:
    return datetime.now(UTC).date()


def _short(value: object) -> object:
    """Names are longer there than here, and may hold line breaks."""
    return " ".join(value.split())[:255] if isinstance(value, str) else value


_QUERIES: Final[Mapping[str, _Query]] = {
    q.panel: q
    for q in (
        _Query("opportunities", "Opportunity", ("Id", "Name", "Amount", "StageName", "CloseDate", "IsClosed"),
               "CurrencyIsoCode", "IsClosed = false", "CloseDate", _opportunity),
        _Query("quotes", "Quote", ("Id", "Name", "Status", "ExpirationDate", "GrandTotal"),
               "CurrencyIsoCode", "Status NOT IN ('Accepted', 'Rejected', 'Denied')", "ExpirationDate", _quote),
        _Query("cases", "Case", ("Id", "CaseNumber", "Subject", "Priority", "Status", "IsClosed"),
               "MilestoneStatus", "IsClosed = false", "CreatedDate", _case),
    )
}  # fmt: skip


class Salesforce:
    """The adapter; remembers which optional fields an organisation lacks."""

    panels = frozenset(_QUERIES)

    def __init__(self) -> None:
        self._rest = Rest()
        self._lacking: set[tuple[str, str, str]] = set()

    async def fetch(self, connection: Connection, panel: str, asked: Asked) -> list[SourceFacts]:
        """See `Source.fetch`."""
        query = _QUERIES[panel]
        if _ID.fullmatch(asked.source_customer_id) is None:
            raise SourceError("SOURCE_CUSTOMER_UNKNOWN")
        async with session(connection) as http:
            records = await self._records(http, connection, query, asked.source_customer_id)
        try:
            return [query.read(r, asked) for r in records]
        except (ValidationError, InvalidOperation, ArithmeticError, ValueError):
            raise SourceError("SOURCE_RESPONSE_INVALID") from None

    async def _records(
        self, http: httpx2.AsyncClient, c: Connection, q: _Query, account: str
    ) -> list[Mapping[str, object]]:
        lacking = (*c.key, q.sobject)
        if lacking not in self._lacking:
            try:
                return await self._all_pages(http, c, q.soql(account, True))
            except Refused as no:
                if "INVALID_FIELD" not in no.codes:
                    raise SourceError("SOURCE_UNAVAILABLE", str(no)) from None
                self._lacking.add(lacking)
        try:
            return await self._all_pages(http, c, q.soql(account, False))
        except Refused as no:
            code = "SOURCE_RESPONSE_INVALID" if "INVALID_FIELD" in no.codes else "SOURCE_UNAVAILABLE"
            raise SourceError(code, str(no)) from None

    async def _all_pages(self, http: httpx2.AsyncClient, c: Connection, soql: str) -> list[Mapping[str, object]]:
        records: list[Mapping[str, object]] = []
        path: str | None = f"{API}/query"
        params: dict[str, str] | None = {"q": soql}
        for _ in range(MAX_PAGES):
            page = await self._rest.get(http, c, path, params)
            found, following = page.get("records"), page.get("nextRecordsUrl")
            if not isinstance(found, list) or not isinstance(following, str | None):
                raise SourceError("SOURCE_RESPONSE_INVALID", "records")
            if not all(isinstance(record, dict) for record in found):
                raise SourceError("SOURCE_RESPONSE_INVALID", "records")
            records += found
            if following is None:
                return records
            path, params = following, None
        raise SourceError("SOURCE_RESPONSE_TOO_LARGE", "pages")
