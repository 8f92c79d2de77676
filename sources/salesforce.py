"""Salesforce over its REST API: opportunities, quotes and cases of one account.

OAuth client-credentials flow (POST /services/oauth2/token), then SOQL by GET /services/data/vXX.0/query, following
`nextRecordsUrl`. Fields that not every organisation has (CurrencyIsoCode without multi-currency, MilestoneStatus
without entitlements) are asked for first and left out where Salesforce answers INVALID_FIELD.
"""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import ValidationError

from models.customer_360.source_records import KINDS, OpportunityRecord
from models.money import exponent, is_currency, round_half_even
from sources.protocol import Asked, Connection, SourceError

API: Final = "/services/data/v61.0/query"
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_RECORDS: Final = 200
MAX_PAGES: Final = 10
_ID: Final = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
Row = dict[str, Any]


@dataclass(frozen=True)
class _Query:
    """What is asked of one object, and how one of its records becomes a row."""

    panel: str
    object: str
    fields: tuple[str, ...]
    optional: str
    where: str
    order: str
    row: Callable[[Mapping[str, Any], Asked], Row]

    def soql(self, account: str, with_optional: bool) -> str:
        fields = ", ".join([*self.fields, *([self.optional] if with_optional else [])])
        return (
            f"SELECT {fields} FROM {self.object} WHERE AccountId = '{account}' AND {self.where} "
            f"ORDER BY {self.order} LIMIT {MAX_RECORDS}"
        )


def _minor(r: Mapping[str, Any], field: str, currency: str) -> int | None:
    value = r.get(field)
    if value is None:
        return None
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise SourceError("SOURCE_RESPONSE_INVALID", field)
    return round_half_even(Decimal(value).scaleb(exponent(currency)))


def _currency(r: Mapping[str, Any], asked: Asked) -> str:
    code = r.get("CurrencyIsoCode") or asked.currency_code
    if not isinstance(code, str) or not is_currency(code):
        raise SourceError("SOURCE_RESPONSE_INVALID", "CurrencyIsoCode")
    return code


def _opportunity(r: Mapping[str, Any], asked: Asked) -> Row:
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
    return {**record.model_dump(), "closed": r.get("IsClosed") is True}


def _quote(r: Mapping[str, Any], asked: Asked) -> Row:
    currency = _currency(r, asked)
    return _as_row(
        "quotes",
        asked,
        external_id=r.get("Id"),
        name=_short(r.get("Name")),
        value_minor=_minor(r, "GrandTotal", currency),
        currency_code=currency,
        status=r.get("Status"),
        expiry_date=r.get("ExpirationDate"),
    )


_MILESTONES: Final = {"Compliant": "on_track", "Open Violation": "breached", "Closed Violation": "breached"}


def _case(r: Mapping[str, Any], asked: Asked) -> Row:
    milestone = r.get("MilestoneStatus")
    row = _as_row(
        "cases",
        asked,
        external_id=r.get("Id"),
        subject=_short(r.get("Subject") or f"Case {r.get('CaseNumber')}"),
        priority=r.get("Priority") or "none",
        status=r.get("Status"),
        sla_status=_MILESTONES.get(milestone, "none") if isinstance(milestone, str) else "none",
        sla_due_at=None,
    )
    return {**row, "closed": r.get("IsClosed") is True}


def _as_row(table: str, asked: Asked, **fields: Any) -> Row:
    kind = KINDS[table]
    record = kind.record.model_validate({"customer_id": asked.customer_id, **fields})
    return kind.row(record, datetime.now(UTC).date())


def _short(value: Any) -> Any:
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
    """The adapter; remembers access tokens and which optional fields an organisation lacks."""

    panels = frozenset(_QUERIES)

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, ...], tuple[str, str]] = {}
        self._lacking: set[tuple[str, str, str]] = set()

    async def fetch(self, connection: Connection, panel: str, asked: Asked) -> list[Row]:
        """See `Source.fetch`."""
        query = _QUERIES[panel]
        if _ID.fullmatch(asked.source_customer_id) is None:
            raise SourceError("SOURCE_CUSTOMER_UNKNOWN")
        try:
            # The guard round this call bounds the whole of it; httpx bounds each step, so that none outlives it long.
            async with httpx.AsyncClient(
                timeout=connection.timeout_seconds, follow_redirects=False, verify=_certificates()
            ) as http:
                records = await self._records(http, connection, query, asked.source_customer_id)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise SourceError("SOURCE_UNAVAILABLE") from None
        try:
            return [query.row(r, asked) for r in records]
        except (ValidationError, InvalidOperation, ArithmeticError, AttributeError, ValueError):
            raise SourceError("SOURCE_RESPONSE_INVALID") from None

    async def _records(self, http: httpx.AsyncClient, c: Connection, q: _Query, account: str) -> list[Any]:
        lacking = (*c.key, q.object)
        if lacking not in self._lacking:
            try:
                return await self._all_pages(http, c, q.soql(account, True))
            except _InvalidField:
                self._lacking.add(lacking)
        try:
            return await self._all_pages(http, c, q.soql(account, False))
        except _InvalidField:
            raise SourceError("SOURCE_RESPONSE_INVALID", "INVALID_FIELD") from None

    async def _all_pages(self, http: httpx.AsyncClient, c: Connection, soql: str) -> list[Any]:
        records: list[Any] = []
        path: str | None = API
        params: dict[str, str] | None = {"q": soql}
        for _ in range(MAX_PAGES):
            page = await self._get(http, c, path, params)
            found, following = page.get("records"), page.get("nextRecordsUrl")
            if not isinstance(found, list) or not (following is None or isinstance(following, str)):
                raise SourceError("SOURCE_RESPONSE_INVALID", "records")
            records += found
            if following is None:
                return records
            path, params = following, None
        raise SourceError("SOURCE_RESPONSE_TOO_LARGE", "pages")

    async def _get(
        self, http: httpx.AsyncClient, c: Connection, path: str | None, params: dict[str, str] | None
    ) -> dict[str, Any]:
        token, instance = self._tokens.get(_signed_in_as(c)) or await self._sign_in(http, c)
        status, body = await _read(http, "GET", _within(instance, path), token, params=params)
        if status == 401:  # the token has run out
            token, instance = await self._sign_in(http, c)
            status, body = await _read(http, "GET", _within(instance, path), token, params=params)
        if status == 400 and isinstance(body, list) and any(_is_invalid_field(e) for e in body):
            raise _InvalidField
        if status != 200:
            raise SourceError("SOURCE_UNAVAILABLE", str(status))
        if not isinstance(body, dict):
            raise SourceError("SOURCE_RESPONSE_INVALID")
        return body

    async def _sign_in(self, http: httpx.AsyncClient, c: Connection) -> tuple[str, str]:
        client_id, _, client_secret = (c.secret or "").partition(":")
        if not client_id or not client_secret:
            raise SourceError("SOURCE_NOT_CONFIGURED", "credential")
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        status, body = await _read(http, "POST", urljoin(c.base_url, "/services/oauth2/token"), None, data=form)
        if status != 200:
            raise SourceError("SOURCE_UNAVAILABLE", f"sign-in {status}")
        token = body.get("access_token") if isinstance(body, dict) else None
        instance = body.get("instance_url", c.base_url) if isinstance(body, dict) else None
        if not isinstance(token, str) or not isinstance(instance, str) or not _trusted(instance, c.base_url):
            raise SourceError("SOURCE_RESPONSE_INVALID", "sign-in")
        self._tokens[_signed_in_as(c)] = (token, instance)
        return token, instance


@lru_cache
def _certificates() -> ssl.SSLContext:
    """Loading them takes longer than most answers."""
    return ssl.create_default_context()


def _signed_in_as(c: Connection) -> tuple[str, ...]:
    """A token serves the address and the credential it was given for: a connection that moves signs in again."""
    return (*c.key, c.base_url, c.secret or "")


class _InvalidField(Exception):
    """Salesforce knows a field not."""


def _is_invalid_field(error: Any) -> bool:
    return isinstance(error, dict) and error.get("errorCode") == "INVALID_FIELD"


def _trusted(instance: str, base: str) -> bool:
    """A token is sent only to the connection's own host, or to another one of Salesforce's."""
    theirs, ours = urlsplit(instance), urlsplit(base)
    if (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
        return True
    host = theirs.hostname or ""
    return theirs.scheme == "https" and host.endswith((".salesforce.com", ".force.com"))


def _within(instance: str, path: str | None) -> str:
    url = urljoin(instance, path)
    if urlsplit(url).netloc != urlsplit(instance).netloc:
        raise SourceError("SOURCE_RESPONSE_INVALID", "nextRecordsUrl")
    return url


async def _read(http: httpx.AsyncClient, method: str, url: str, token: str | None, **options: Any) -> tuple[int, Any]:
    """Status and JSON of the answer, at most MAX_BYTES of it; numbers exact."""
    # Never compressed: the limit is on what is read, and a few bytes can be made to unpack to gigabytes.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    async with http.stream(method, url, headers=headers, **options) as response:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise SourceError("SOURCE_RESPONSE_TOO_LARGE")
    try:
        return response.status_code, json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        if response.status_code != 200:
            return response.status_code, None
        raise SourceError("SOURCE_RESPONSE_INVALID", "no JSON") from None
