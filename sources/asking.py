"""Asking a source over HTTP: a client for a few requests, and answers read within limits."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import httpx2

from sources.outgoing import NameNotFound, NotAllowed, OnlyHosts, client
from sources.protocol import Connection, SourceError

MAX_BYTES: Final = 2 * 1024 * 1024
_RETRY_LIMIT: Final = 6 * 3600.0


@asynccontextmanager
async def session(c: Connection) -> AsyncIterator[httpx2.AsyncClient]:
    """A client for a few requests, to where the connection may lead. The guard round the call bounds its time. What goes
    wrong on the way is a SourceError."""
    try:
        async with client(OnlyHosts(c.hosts), c.timeout_seconds) as http:
            yield http
    except NotAllowed as no:
        raise SourceError("SOURCE_HOST_REFUSED", no.code) from None
    except httpx2.TimeoutException:
        raise SourceError("SOURCE_TIMEOUT") from None
    except (NameNotFound, httpx2.HTTPError, httpx2.InvalidURL, OSError):
        raise SourceError("SOURCE_UNAVAILABLE") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON of the answer (numbers exact), and for how many seconds it asks to be left alone."""

    status: int
    body: object
    wait: float | None


async def read(
    http: httpx2.AsyncClient, method: str, url: str, token: str | None, max_bytes: int, *,
    params: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None, body_json: object = None,
) -> Answer:  # fmt: skip
    """The answer, of which at most `max_bytes` are read."""
    # Never compressed: the limit is on what is read, and a few bytes can be made to unpack to gigabytes.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    async with http.stream(method, url, headers=headers, params=params, data=data, json=body_json) as response:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise SourceError("SOURCE_RESPONSE_TOO_LARGE")
    wait = seconds(response.headers.get("retry-after"))
    try:
        return Answer(response.status_code, json.loads(body, parse_float=Decimal), wait)
    except (ValueError, RecursionError):
        if response.status_code != 200:
            return Answer(response.status_code, None, wait)
        raise SourceError("SOURCE_RESPONSE_INVALID", "no JSON") from None


def seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; None for a date or nonsense, and never more than a quarter of a day."""
    return (
        min(float(retry_after), _RETRY_LIMIT)
        if retry_after and retry_after.isascii() and retry_after.isdigit()
        else None
    )
