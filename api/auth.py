"""Who asks: bearer tokens, verified.

In production only tokens of the OpenID Connect issuer count (RS256 or ES256; issuer, audience, expiry, not-before,
subject and organisation checked). In development the stack's own HS256 tokens count too. The two kinds never share a
key: which verifier a token meets is decided by its algorithm, and each verifier accepts its own algorithms only, so
neither `none` nor an HMAC made with a public key passes.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, Protocol

import jwt
from starlette.datastructures import Headers

from api.jwks import SigningKeys, UnknownKey, secure
from api.tokens import DEV_ALGORITHM
from models.access import Agent, Principal
from models.errors import Refusal
from models.money import is_currency
from settings import DEV_TOKEN_ISSUER, Settings, SettingsError

OIDC_ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY_SECONDS: Final = 5
"""Clocks of two machines differ; applies to the issuer's tokens only."""
_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub"]
_MAX_TOKEN: Final = 16_384  # characters
_MOST: Final = {"writes_per_hour": 2**31 - 1, "amount_minor_per_day": 2**63 - 1}
_BUDGETS: Final = {*_MOST, "currency_code"}
_PROCESS: Final = "process:"
"""How the trail calls what no person did."""
_MAX_ID: Final = 255  # characters of a subject; half of it suffices for the others


class Unauthenticated(Refusal):
    """`401 UNAUTHENTICATED`, with the challenge that RFC 6750 asks for. Never says which check failed."""

    def __init__(self, detail: str, *, token_given: bool = True) -> None:
        super().__init__("UNAUTHENTICATED", detail)
        challenge = 'Bearer realm="arflow"'
        self.headers = {"WWW-Authenticate": f'{challenge}, error="invalid_token"' if token_given else challenge}


class Verifier(Protocol):
    """Turns a token into its verified claims. Raises jwt.PyJWTError, UnknownKey, `Refusal("UNAVAILABLE")`."""

    async def claims(self, token: str, header: Mapping[str, Any]) -> dict[str, Any]: ...


class DevVerifier:
    """Tokens of `arflow token`."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.dev_secret()
        self._audience = settings.dev_token_audience

    async def claims(self, token: str, header: Mapping[str, Any]) -> dict[str, Any]:
        return jwt.decode(
            token,
            self._secret,
            algorithms=[DEV_ALGORITHM],
            audience=self._audience,
            issuer=DEV_TOKEN_ISSUER,
            options={"require": _REQUIRED},
        )


class OidcVerifier:
    """Tokens of the configured issuer."""

    def __init__(self, settings: Settings, keys: SigningKeys | None = None) -> None:
        settings.require("oidc_issuer", "oidc_audience")
        self._issuer = str(settings.oidc_issuer)
        self._audience = str(settings.oidc_audience)
        for url in filter(None, (self._issuer, settings.oidc_jwks_url)):
            _demand_https(url)
        self._keys = keys or SigningKeys(self._issuer, settings.oidc_jwks_url)

    @property
    def usable(self) -> bool:
        """Whether tokens can be verified."""
        return self._keys.usable

    async def problem(self) -> str | None:
        """Why no token can be verified, or soon none of those that the issuer would give."""
        await self._keys.look()
        why = f": {self._keys.why}" if self._keys.why else ""
        if not self.usable:
            return "its signing keys could not be fetched yet" + why
        return None if self._keys.answers else "it does not answer; tokens are verified with its keys of before" + why

    async def claims(self, token: str, header: Mapping[str, Any]) -> dict[str, Any]:
        if header.get("alg") not in OIDC_ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        kid = header.get("kid")
        return jwt.decode(
            token,
            await self._keys.find(kid if isinstance(kid, str) else None),
            algorithms=list(OIDC_ALGORITHMS),
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )


def _demand_https(url: str) -> None:
    if not secure(url):
        raise SettingsError(f"ARFLOW_OIDC_ISSUER and its keys must be https, not {url}")


class Authenticator:
    """Verifies each token once and remembers it, by its hash, for REMEMBER_SECONDS at most, never beyond its expiry."""

    REMEMBER_SECONDS: Final = 300
    CAPACITY: Final = 10_000

    def __init__(self, settings: Settings, *, keys: SigningKeys | None = None) -> None:
        self._dev: Verifier | None = None if settings.production else DevVerifier(settings)
        needs_oidc = settings.production or settings.oidc_issuer is not None
        self._oidc = OidcVerifier(settings, keys) if needs_oidc else None
        self._known: OrderedDict[bytes, tuple[Principal, float, float]] = OrderedDict()

    async def principal(self, headers: Headers) -> Principal:
        """The principal of the `Authorization` header. Raises Unauthenticated, also where there are two: a proxy may have read
        the other one."""
        given = headers.getlist("authorization")
        if len(given) > 1:
            raise Unauthenticated("The request names two authorizations.")
        token = _bearer(given[0] if given else None)
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        if known is not None and known[1] > time.time() and known[2] > time.monotonic():
            return known[0]
        claims = await self._verified(token)
        principal = principal_of(claims)
        self._remember(digest, principal, _expiry(claims))
        return principal

    @property
    def usable(self) -> bool:
        """Whether anybody's token can be verified."""
        return self._dev is not None or self._oidc is None or self._oidc.usable

    async def problem(self) -> str | None:
        """What keeps the issuer's tokens from being verified, or will."""
        return None if self._oidc is None else await self._oidc.problem()

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            verifier: Verifier | None = self._dev if header.get("alg") == DEV_ALGORITHM else self._oidc
            if verifier is None:
                raise jwt.InvalidAlgorithmError
            return await verifier.claims(token, header)
        except (jwt.PyJWTError, UnknownKey, ValueError, TypeError, RecursionError):
            raise Unauthenticated("The bearer token is not valid.") from None

    def _remember(self, digest: bytes, principal: Principal, expires: float) -> None:
        self._known[digest] = (principal, expires, time.monotonic() + self.REMEMBER_SECONDS)
        self._known.move_to_end(digest)
        while len(self._known) > self.CAPACITY:
            self._known.popitem(last=False)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise Unauthenticated("A bearer token is required.", token_given=False)
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("A bearer token is required.", token_given=False)
    if len(token) > _MAX_TOKEN:
        raise Unauthenticated("The bearer token is not valid.")
    return token


def _expiry(claims: Mapping[str, Any]) -> float:
    try:
        return float(claims["exp"])
    except OverflowError:
        raise Unauthenticated("The bearer token has no usable claim exp.") from None


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The person that the verified claims describe. Raises Unauthenticated where a claim is missing or misshapen.

    `entities` absent, null or empty means all legal entities, as docs/api.md, section 2, says ("none: all").
    """
    entities = _texts(claims, "entities")
    sub = _text(claims, "sub", _MAX_ID)
    if sub.startswith(_PROCESS):
        raise Unauthenticated("The bearer token has no usable claim sub.")
    return Principal(
        sub=sub,
        org_id=_text(claims, "org_id", 64),
        roles=_texts(claims, "roles"),
        entities=entities or None,
        agent=_agent(claims),
    )


def _agent(claims: Mapping[str, Any]) -> Agent | None:
    """The assistant that the token names beside the person, with its budgets: `agent`, and `writes_per_hour`,
    `amount_minor_per_day` and `currency_code` beside it, or in `budgets`."""
    if claims.get("agent") is None:
        return None
    given = claims.get("budgets")
    if given is not None and not (isinstance(given, Mapping) and given.keys() <= _BUDGETS):
        raise Unauthenticated("The bearer token has no usable claim budgets.")  # misread, it would be no limit at all
    budgets = claims if given is None else given
    currency = budgets.get("currency_code")
    if currency is not None and not (isinstance(currency, str) and is_currency(currency)):
        raise Unauthenticated("The bearer token has no usable claim currency_code.")
    writes, amount = (_budget(budgets, n) for n in ("writes_per_hour", "amount_minor_per_day"))
    return Agent(_text(claims, "agent", _MAX_ID), writes, amount, currency)


def _budget(budgets: Mapping[str, Any], name: str) -> int | None:
    value = budgets.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST[name]:
        raise Unauthenticated(f"The bearer token has no usable claim {name}.")
    return value


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        raise Unauthenticated(f"The bearer token has no usable claim {name}.")
    return value


def _texts(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    value = claims.get(name)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(item, str) and item.isprintable() for item in value):
        raise Unauthenticated(f"The bearer token has no usable claim {name}.")
    return frozenset(value)
