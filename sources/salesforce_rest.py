"""Salesforce's REST API: signing in, asking, and reading what it answers within limits.

OAuth at POST /services/oauth2/token: a secret `client_id:client_secret` signs in by client credentials, one of
`client_id:client_secret:refresh_token` by the refresh token. A token that has run out (401) is renewed once.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2

from sources.asking import MAX_BYTES, read, session
from sources.protocol import Connection, SourceError

__all__ = ["API", "Refused", "Rest", "session"]
API: Final = "/services/data/v61.0"


class Refused(Exception):
    """The query itself was refused (400); `codes` are Salesforce's own words, such as INVALID_FIELD."""

    def __init__(self, codes: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(codes)))
        self.codes = codes


class Rest:
    """Asks; remembers access tokens. Safe to use from several threads' event loops."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, ...], tuple[str, str]] = {}

    async def get(
        self,
        http: httpx2.AsyncClient,
        c: Connection,
        path: str | None,
        params: dict[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Mapping[str, object]:
        """The object that the path answers. Raises SourceError, and Refused where Salesforce calls the query wrong."""
        token, instance = self._tokens.get(_signed_in_as(c)) or await self._sign_in(http, c)
        answer = await read(http, "GET", _within(instance, path), token, max_bytes, params=params)
        if answer.status == 401:  # the token has run out
            token, instance = await self._sign_in(http, c)
            answer = await read(http, "GET", _within(instance, path), token, max_bytes, params=params)
        status, body, wait = answer.status, answer.body, answer.wait
        codes = _error_codes(body)
        if status == 429 or "REQUEST_LIMIT_EXCEEDED" in codes or (status == 503 and wait is not None):
            raise SourceError("SOURCE_RATE_LIMITED", str(status), wait)
        if status in (400, 404) and codes:
            raise Refused(codes)
        if 300 <= status < 400:
            raise SourceError("SOURCE_REDIRECTED", str(status))
        if status != 200:
            raise SourceError("SOURCE_UNAVAILABLE", str(status))
        if not isinstance(body, dict):
            raise SourceError("SOURCE_RESPONSE_INVALID")
        return body

    async def _sign_in(self, http: httpx2.AsyncClient, c: Connection) -> tuple[str, str]:
        client_id, client_secret, refresh = [*(c.secret or "").split(":", 2), "", ""][:3]
        if not client_id or not client_secret:
            raise SourceError("SOURCE_NOT_CONFIGURED", "credential")
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        if refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
        at = urljoin(c.base_url, "/services/oauth2/token")
        answer = await read(http, "POST", at, None, MAX_BYTES, data=form)
        status, body = answer.status, answer.body
        if status == 429:
            raise SourceError("SOURCE_RATE_LIMITED", f"sign-in {status}", answer.wait)
        if status in (400, 401, 403):
            raise SourceError("SOURCE_SIGN_IN_REFUSED", str(status))
        if status != 200:
            raise SourceError("SOURCE_UNAVAILABLE", f"sign-in {status}")
        token = body.get("access_token") if isinstance(body, dict) else None
        instance = body.get("instance_url", c.base_url) if isinstance(body, dict) else None
        if not isinstance(token, str) or not isinstance(instance, str) or not _trusted(instance, c):
            raise SourceError("SOURCE_RESPONSE_INVALID", "sign-in")
        self._tokens[_signed_in_as(c)] = (token, instance)
        return token, instance


def _signed_in_as(c: Connection) -> tuple[str, ...]:
    """A token serves the address and the credential it was given for: a connection that moves signs in again."""
    return (*c.key, c.base_url, c.secret or "")


def _error_codes(body: object) -> frozenset[str]:
    """Salesforce answers errors as a list of {message, errorCode}."""
    errors = body if isinstance(body, list) else []
    return frozenset(e["errorCode"] for e in errors if isinstance(e, dict) and isinstance(e.get("errorCode"), str))


def _trusted(instance: str, c: Connection) -> bool:
    """A token is sent only to the connection's own host, or by https to another one that connections may lead to."""
    theirs, ours = urlsplit(instance), urlsplit(c.base_url)
    if (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
        return True
    return theirs.scheme == "https" and c.hosts.allow(instance)


def _within(instance: str, path: str | None) -> str:
    url = urljoin(instance, path)
    theirs, ours = urlsplit(url), urlsplit(instance)
    if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
        raise SourceError("SOURCE_RESPONSE_INVALID", "nextRecordsUrl")
    return url
