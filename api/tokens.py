"""Development tokens: HS256 JWTs signed with the stack's own secret. They do not exist in production."""

import time
from collections.abc import Iterable
from typing import Any, Final

import jwt

from models.access import Agent
from settings import DEV_TOKEN_ISSUER, Settings

DEV_ALGORITHM: Final = "HS256"
DEV_TOKEN_SECONDS: Final = 365 * 24 * 3600


def mint_dev_token(
    settings: Settings,
    org: str,
    user: str,
    roles: Iterable[str],
    entities: Iterable[str] = (),
    *,
    lifetime_seconds: int = DEV_TOKEN_SECONDS,
    agent: Agent | None = None,
) -> str:
    """A bearer token for `user` of `org`; without entities it sees all of them. SettingsError in production."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": DEV_TOKEN_ISSUER,
        "aud": settings.dev_token_audience,
        "iat": now,
        "exp": now + lifetime_seconds,
        "sub": user,
        "org_id": org,
        "roles": list(roles),
    }
    if given := list(entities):
        claims["entities"] = given
    if agent is not None:
        budgets = {
            "writes_per_hour": agent.writes_per_hour,
            "amount_minor_per_day": agent.amount_minor_per_day,
            "currency_code": agent.currency_code,
        }
        claims |= {"agent": agent.name, "budgets": {n: v for n, v in budgets.items() if v is not None}}
    return jwt.encode(claims, settings.dev_secret(), algorithm=DEV_ALGORITHM)
