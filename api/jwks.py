"""The signing keys of the OpenID Connect issuer: found by discovery, kept, and fetched again when they rotate."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import jwt
import structlog

from api import metrics
from models.errors import Refusal
from models.tls import client_context, reason

log = structlog.get_logger("arflow.api")

KEEP_SECONDS: Final = 3600.0
"""Keys older than this are fetched again before use; the old ones serve on while the issuer does not answer."""
LAST_SECONDS: Final = 24 * 3600.0
"""So long at most: a key that was withdrawn, because somebody has it, must not serve as long as the issuer is kept away."""
COOLDOWN_SECONDS: Final = 10.0
"""Not more than one fetch in this time, however many tokens name unknown keys."""
LOOK_SECONDS: Final = 15.0
"""So often it is looked whether the issuer is there, by whoever asks whether this process is ready: to know it before a
token needs it. A token that names an unknown key fetches all the same."""
TIMEOUT_SECONDS: Final = 3.0
_KEY_TYPES: Final = frozenset({"RSA", "EC"})  # never "oct": a shared secret has no place in a published set


class UnknownKey(Exception):
    """The issuer publishes no key of that id."""


class SigningKeys:
    """Public keys by their id. Safe to share among the requests of one event loop."""

    def __init__(
        self, issuer: str, jwks_url: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: Mapping[str | None, jwt.PyJWK] | None = None
        self._fetched = self._tried = self._looked = float("-inf")
        self._lock = asyncio.Lock()
        self._look: asyncio.Task[None] | None = None
        self.answers = True
        """Whether the issuer gave its keys when it was last asked."""
        self.why: str | None = None
        """What a certificate has to do with it that it did not."""

    async def find(self, kid: str | None) -> jwt.PyJWK:
        """The key of this id; without an id the only key there is.

        Raises UnknownKey, and `Refusal("UNAVAILABLE")` where no keys could ever be fetched.
        """
        key = self._lookup(kid)
        stale = self._clock() - self._fetched > KEEP_SECONDS
        if key is not None and stale and self.usable and not self.answers:
            self._begin_look()  # nobody waits for one who did not answer a moment ago
        elif key is None or stale:
            async with self._lock:
                if self._may_fetch(kid):
                    await self._fetch()
            key = self._lookup(kid)
        if not self.usable or (key is None and not self.answers):
            raise Refusal("UNAVAILABLE", "The identity provider does not answer.", retry_after=int(COOLDOWN_SECONDS))
        if key is None:
            raise UnknownKey
        return key

    @property
    def usable(self) -> bool:
        """Whether tokens can be looked at: there are keys, and they are not too old."""
        return self._keys is not None and self._clock() - self._fetched <= LAST_SECONDS

    async def look(self) -> None:
        """See whether the issuer is there, if that was not done a moment ago. Nobody waits for it who has keys, and whoever
        waits may be cancelled: the look goes on."""
        look = self._begin_look()
        if not self.usable:
            await asyncio.shield(look)

    def _begin_look(self) -> "asyncio.Task[None]":
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._looking())
        return self._look

    async def _looking(self) -> None:
        async with self._lock:
            since = self._clock() - max(self._tried, self._looked)
            if since >= (LOOK_SECONDS if self.usable else COOLDOWN_SECONDS):
                before, self._looked = self._tried, self._clock()
                await self._fetch()
                # A key that is published and used right after this is fetched with its first token.
                self._tried = before

    def _lookup(self, kid: str | None) -> jwt.PyJWK | None:
        keys = self._keys or {}
        if kid is None:
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(kid)

    def _may_fetch(self, kid: str | None) -> bool:
        now = self._clock()
        needed = self._lookup(kid) is None or now - self._fetched > KEEP_SECONDS  # another request may have been first
        return needed and now - self._tried >= COOLDOWN_SECONDS

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, verify=client_context()) as client:
                published = await self._get(client, await self._url(client))
            self._keys = _usable(published)
            self._fetched = self._clock()
            self.answers, self.why = True, None
        except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.answers, self.why = False, reason(str(error))
            log.warning(
                "signing keys could not be fetched",
                issuer=self._issuer,
                error=type(error).__name__,
                why=self.why or str(error)[:200],
            )
        metrics.IDENTITY_PROVIDER.labels(self._issuer).set(self.answers)

    async def _url(self, client: httpx2.AsyncClient) -> str:
        if self._jwks_url is None:
            found = await self._get(client, self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found["issuer"] != self._issuer:
                raise ValueError("the discovery document is another issuer's")
            url = str(found["jwks_uri"])
            if not secure(url) or (self._issuer.startswith("https://") and not url.startswith("https://")):
                raise ValueError("the discovery document names keys that would come in the clear")
            self._jwks_url = url
        return self._jwks_url

    @staticmethod
    async def _get(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
        response = await client.get(url)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document


def secure(url: str) -> bool:
    """Whether keys may come from there: by https, or from this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _usable(published: Mapping[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """The set's public signing keys that this library understands."""
    keys: dict[str | None, jwt.PyJWK] = {}
    for entry in published["keys"]:
        if entry.get("kty") in _KEY_TYPES and entry.get("use", "sig") == "sig":
            try:
                keys[entry.get("kid")] = jwt.PyJWK.from_dict(entry)
            except jwt.PyJWTError:
                log.warning("signing key not understood", kid=entry.get("kid"))
    return keys
