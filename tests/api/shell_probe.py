"""An application with small routes that show what the shell does; no database, no Temporal."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import httpx2
from fastapi import FastAPI, UploadFile
from pydantic import Field

from api.app import create_app
from api.deps import RECORD, IdempotencyKey, Paging, RequestId, Somebody, requires
from api.gate import gated_router
from api.routes import health
from api.tokens import mint_dev_token
from models.access import Principal
from models.answers import Page
from models.errors import Refusal
from models.values import (
    Body,
    Choice,
    CurrencyCode,
    DecimalNumber,
    ExternalId,
    IsoDate,
    Minor,
    PositiveMinor,
    ReasonCode,
)
from settings import Settings

SECRET = "a development secret that is long enough for HS512 as well, by far"


class Colour(StrEnum):
    RED = "red"


class Part(Body):
    amount_minor: PositiveMinor


class Thing(Body):
    name: str
    amount_minor: PositiveMinor = 1
    signed_minor: Minor = 0
    day: IsoDate | None = None
    currency_code: CurrencyCode = "USD"
    rate: DecimalNumber | None = None
    external_id: ExternalId = "x"
    reason_code: ReasonCode = "OTHER"
    colour: Choice[Colour] = Colour.RED
    parts: Annotated[list[Part], Field(max_length=500, default_factory=list)]
    metadata: Annotated[dict[str, Any], Field(default_factory=dict)]


router = gated_router("probe")  # type: ignore[arg-type]  # a tag of no product


@router.post("/v1/things", status_code=201)
async def make_thing(
    body: Thing,
    who: Annotated[Principal, requires("payments.apply", RECORD)],
    key: IdempotencyKey,
    request_id: RequestId,
) -> dict[str, Any]:
    return {**body.model_dump(mode="json"), "sub": who.sub, "key_given": key.given, "request_id": request_id}


@router.get("/v1/things")
def list_things(page: Paging, who: Annotated[Principal, requires("payments.read")]) -> Page[int]:
    after = page.after("things", date, int)
    start = 0 if after is None else after[1] + 1
    found = range(start, min(start + page.fetch, 120))
    return page.of("things", found, key=lambda n: (date(2026, 1, 1), n), item=int)


@router.get("/v1/me")
async def me(who: Somebody) -> dict[str, Any]:
    entities = None if who.entities is None else sorted(who.entities)
    return {"sub": who.sub, "org_id": who.org_id, "roles": sorted(who.roles), "entities": entities}


@router.get("/v1/things/{id}")
def read_thing(
    id: str, who: Annotated[Principal, requires("payments.read")], as_of: IsoDate | None = None, q: str = ""
) -> Any:
    if id == "gone":
        raise Refusal("INVOICE_NOT_FOUND", "There is no such invoice.", invoice_id=id)
    if id == "over":
        raise Refusal("OVERPAYMENT_REQUIRES_CREDIT", "Too much.", available_minor=5, status=1)
    if id == "typo":
        raise Refusal("NO_SUCH_CODE", "secret detail")
    if id == "bug":
        raise RuntimeError("secret detail")
    return {"id": id, "as_of": as_of}


@router.post("/v1/files", status_code=202)
async def upload(file: UploadFile, who: Annotated[Principal, requires("payments.record", RECORD)]) -> dict[str, int]:
    return {"bytes": len(await file.read())}


@router.post("/v1/small-files", status_code=202)
async def small(
    file: UploadFile, who: Annotated[Principal, requires("payments.record", RECORD, body_limit=2000)]
) -> dict[str, int]:
    return {"bytes": len(await file.read())}


def settings(**given: Any) -> Settings:
    return Settings(**{"dev_token_secret": SECRET, **given})


def app(**given: Any) -> FastAPI:
    return create_app(settings(**given), [health.router, router])


def client(application: FastAPI, token: str | None = None) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx2.ASGITransport(app=application)
    return httpx2.AsyncClient(transport=transport, base_url="http://arflow.test", headers=headers)


def token(*roles: str, user: str = "u_clerk", org: str = "org_a", entities: tuple[str, ...] = ()) -> str:
    return mint_dev_token(settings(), org, user, roles, entities)


def code(response: httpx2.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"].startswith("urn:arflow:problem:")
    assert {"title", "detail", "instance"} <= body.keys()
    assert response.headers["X-Request-Id"]
    return response.status_code, body["code"]
