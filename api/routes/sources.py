"""Records of the systems around the books: written by whoever owns them (PUT /v1/sources/{kind}), or asked for."""

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import Field, create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import ORGANISATION, RECORD, IdempotencyKey, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading
from api.write import Write, write
from models.customer_360.source_records import KINDS, RECORDS_LIMIT, Kind, SourceRecord
from models.db.customer_360 import panels
from models.errors import FieldError, Refusal
from models.values import Body, HttpUrl
from settings import Settings
from sources.registry import PANELS, hosts_of

router = gated_router("sources")
Reader = Annotated[Principal, requires("sources.write")]
Writer = Annotated[Principal, requires("sources.write", RECORD)]
Connector = Annotated[Principal, requires("sources.write", ORGANISATION)]


class _Records(Body):
    records: Annotated[list[Any], Field(min_length=1, max_length=RECORDS_LIMIT)]

    @field_validator("records")
    @classmethod
    def _each_once(cls, records: list[SourceRecord]) -> list[SourceRecord]:
        if len({r.external_id for r in records}) < len(records):
            raise PydanticCustomError("EXTERNAL_ID_REPEATED", "An external_id appears more than once")
        return records


def _put(kind: Kind) -> None:
    listed = Annotated[list[kind.record], Field(min_length=1, max_length=RECORDS_LIMIT)]  # type: ignore[name-defined]
    body_type: Any = create_model(f"{kind.record.__name__}s", __base__=_Records, records=(listed, ...))

    codes = ("CUSTOMER_NOT_FOUND", *(("STAGE_UNKNOWN",) if kind.table == "opportunities" else ()))

    @router.put(f"/v1/sources/{kind.table}", responses=refusals(*codes), name=f"put_{kind.table}")
    async def put(request: Request, body: body_type, who: Writer, key: IdempotencyKey) -> Response:
        """Upsert up to 500 records by external_id, all or none."""
        sent = body.model_dump(mode="json", exclude_unset=True)
        w = Write("put_source_records", {"kind": kind.table, **sent}, kind.table, who.org_id)
        return await write(request, who, key, w)


for _kind in KINDS.values():
    _put(_kind)


class NewConnection(Body):
    """An external system that serves panels, and that imports may pull customers from. `credential` names a secret that
    the worker can read; never the secret."""

    kind: Literal["salesforce"]
    base_url: Annotated[HttpUrl, Field(max_length=255)]
    credential: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    panels: Annotated[list[str], Field(max_length=8)]
    timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 8000
    max_concurrent: Annotated[int, Field(ge=1, le=64)] = 8
    enabled: bool = True

    @field_validator("base_url")
    @classmethod
    def _without_query(cls, url: str) -> str:
        if urlsplit(url).query:
            raise PydanticCustomError("URL_INVALID", "A base URL has no query")
        return url

    @model_validator(mode="after")
    def _serves(self) -> Self:
        unknown = sorted(set(self.panels) - PANELS[self.kind])
        if unknown or len(set(self.panels)) < len(self.panels):
            raise PydanticCustomError("PANEL_UNKNOWN", "The panels are not, each once, among those this kind serves")
        return self


@router.put("/v1/source-connections/{name}")
async def put_connection(
    request: Request, name: str, body: NewConnection, who: Connector, key: IdempotencyKey
) -> Response:
    """Say which external system serves which panels."""
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name) is None or name == "arflow":
        raise invalid(FieldError("/path/name", "FIELD_FORMAT", "A name is lower-case letters, digits, - and _"))
    settings: Settings = request.app.state.settings
    hosts = hosts_of(body.kind, settings.source_hosts, local=not settings.production)
    if not hosts.allow(body.base_url):
        raise invalid(FieldError("/base_url", "URL_INVALID", f"It is reached by https at one of these hosts: {hosts}"))
    w = Write("put_source_connection", {"name": name, **body.model_dump(mode="json")}, name, who.org_id)
    return await write(request, who, key, w)


@router.get("/v1/source-connections")
def list_connections(request: Request, who: Reader) -> dict[str, Any]:
    """The external systems of the organisation."""
    with reading(request, who) as tx:
        found = [panels.connection_body(c) for c in panels.connections(tx)]
    return {"items": found, "next_cursor": None}


@router.get("/v1/source-connections/{name}", responses=refusals("SOURCE_CONNECTION_NOT_FOUND"))
def get_connection(request: Request, name: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        found = panels.connection(tx, name)
    if found is None:
        raise Refusal("SOURCE_CONNECTION_NOT_FOUND", f"There is no source connection {name}.")
    return panels.connection_body(found)
