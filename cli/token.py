"""`arflow token`: a bearer token for development."""

import datetime as dt
from typing import Annotated

import jwt
import typer

from settings import DEV_TOKEN_ISSUER, Settings, get_settings


def token(
    org: Annotated[str, typer.Option(help="Organisation, such as org_demo.")],
    user: Annotated[str, typer.Option(help="Person, such as u_clerk.")],
    role: Annotated[list[str] | None, typer.Option(help="Role; may be repeated.")] = None,
    entity: Annotated[list[str] | None, typer.Option(help="Legal entity; may be repeated. None: all.")] = None,
    hours: Annotated[int, typer.Option(help="How long it is valid.", min=1)] = 24,
) -> None:
    """Print a bearer token (development only)."""
    print(mint(get_settings(), org, user, role or [], entity or [], dt.timedelta(hours=hours)))


def mint(settings: Settings, org: str, user: str, roles: list[str], entities: list[str], valid: dt.timedelta) -> str:
    """A development token with the claims of the contract. SettingsError in production."""
    now = dt.datetime.now(dt.UTC)
    claims = {
        "iss": DEV_TOKEN_ISSUER,
        "aud": settings.dev_token_audience,
        "sub": user,
        "org_id": org,
        "roles": roles,
        "entities": entities,
        "iat": now,
        "exp": now + valid,
    }
    return jwt.encode(claims, settings.dev_secret(), algorithm="HS256")
