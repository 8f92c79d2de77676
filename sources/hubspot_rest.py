"""HubSpot's REST API: asking with a private app's token, and what its refusals mean.

The connection's secret is the token itself; it does not run out. Requests are counted in windows of ten seconds and by day: a 429
says in `policyName` which of them is full, and seldom for how long.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin

import httpx2

from sources.asking import MAX_BYTES, Answer, read
from sources.protocol import Connection, SourceError

WINDOW_SECONDS: Final = 10.0
DAY_SECONDS: Final = 3600.0
"""How long a full day is left alone before it is asked again: when it ends, the account's time zone says."""


class Rest:
    """Asks; keeps nothing."""

    async def get(
        self, http: httpx2.AsyncClient, c: Connection, path: str, params: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Mapping[str, object]:  # fmt: skip
        """The object that the path answers. Raises SourceError."""
        return _object(await read(http, "GET", urljoin(c.base_url, path), _token(c), max_bytes, params=params))

    async def post(
        self, http: httpx2.AsyncClient, c: Connection, path: str, body: Mapping[str, object], max_bytes: int = MAX_BYTES
    ) -> Mapping[str, object]:
        """As `get`, of a question that has a body: searches, reading many at once."""
        return _object(await read(http, "POST", urljoin(c.base_url, path), _token(c), max_bytes, body_json=dict(body)))


def _token(c: Connection) -> str:
    token = (c.secret or "").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SourceError("SOURCE_NOT_CONFIGURED", "credential")
    return token


def _object(answer: Answer) -> Mapping[str, object]:
    status, body = answer.status, answer.body
    if status == 429:
        raise SourceError("SOURCE_RATE_LIMITED", "429", answer.wait or _window(body))
    if status == 401:
        raise SourceError("SOURCE_SIGN_IN_REFUSED", "401")
    if status in (400, 403, 404, 414):  # a scope that the app lacks, a property that is not there
        raise SourceError("SOURCE_QUERY_REFUSED", str(status))
    if 300 <= status < 400:
        raise SourceError("SOURCE_REDIRECTED", str(status))
    if status not in (200, 207):
        raise SourceError("SOURCE_UNAVAILABLE", str(status))
    if not isinstance(body, dict):
        raise SourceError("SOURCE_RESPONSE_INVALID")
    return body


def _window(body: object) -> float:
    policy = body.get("policyName") if isinstance(body, dict) else None
    return DAY_SECONDS if policy == "DAILY" else WINDOW_SECONDS


def results(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The records of a page. Raises SOURCE_RESPONSE_INVALID where it holds none of their shape."""
    found = body.get("results")
    if not isinstance(found, list) or not all(isinstance(r, dict) for r in found):
        raise SourceError("SOURCE_RESPONSE_INVALID", "results")
    return found


def following(body: Mapping[str, object]) -> str | None:
    """Where the next page begins; None behind the last."""
    paging = body.get("paging")
    if paging is None:
        return None
    step = paging.get("next") if isinstance(paging, dict) else None
    after = step.get("after") if isinstance(step, dict) else None
    if not isinstance(after, str) or not after or len(after) > 200:
        raise SourceError("SOURCE_RESPONSE_INVALID", "paging")
    return after


def record_id(record: Mapping[str, object]) -> str:
    """A record's id: digits."""
    found = record.get("id")
    if not isinstance(found, str) or not (found.isascii() and found.isdigit()) or len(found) > 30:
        raise SourceError("SOURCE_RESPONSE_INVALID", "id")
    return found


def properties(record: Mapping[str, object]) -> Mapping[str, str]:
    """What a record says, by its properties' names; what is null, or no text, is left out."""
    found = record.get("properties")
    if not isinstance(found, dict):
        raise SourceError("SOURCE_RESPONSE_INVALID", "properties")
    return {str(name): value for name, value in found.items() if isinstance(value, str)}
