"""Records of the systems around the books: written by whoever owns them (PUT /v1/sources/{kind}), or asked for."""

import re
from typing import Annotated, Any

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import ORGANISATION, RECORD, IdempotencyKey, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading
from api.write import Write, write
from models.answers import Page
from models.customer_360.answers import SourceConnectionAnswer, UpsertedAnswer, source_connection_answer
from models.customer_360.kinds import KINDS, Kind
from models.customer_360.requests import PutSourceConnection
from models.db.customer_360 import panels
from models.errors import FieldError, Refusal
from operations.customer_360.source_records import put_operation
from settings import Settings
from sources.registry import PANELS, hosts_of

router = gated_router("sources")
Reader = Annotated[Principal, requires("sources.write")]
Writer = Annotated[Principal, requires("sources.write", RECORD)]
Connector = Annotated[Principal, requires("sources.write", ORGANISATION)]


def _put(kind: Kind) -> None:
    body_type: Any = kind.takes
    codes = ("CUSTOMER_NOT_FOUND", *(("STAGE_UNKNOWN",) if kind.table == "opportunities" else ()))

    @router.put(
        f"/v1/sources/{kind.table}", response_model=UpsertedAnswer, responses=refusals(*codes), name=put_operation(kind),
        description=f"Write up to 500 {kind.plural} of customers: new ones, and what is known by its external_id; all or none.",
    )  # fmt: skip
    async def put(request: Request, body: body_type, who: Writer, key: IdempotencyKey) -> Response:
        return await write(request, who, key, Write(put_operation(kind), body, kind.table, who.org_id))


for _kind in KINDS.values():
    _put(_kind)


@router.put("/v1/source-connections/{name}", response_model=SourceConnectionAnswer)
async def put_source_connection(
    request: Request, name: str, body: PutSourceConnection, who: Connector, key: IdempotencyKey
) -> Response:
    """Make a source connection, or replace the one of that name: which external system serves which panels."""
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name) is None or name == "arflow":
        raise invalid(FieldError("/path/name", "FIELD_FORMAT", "A name is lower-case letters, digits, - and _"))
    if not set(body.panels) <= PANELS[body.kind] or len(set(body.panels)) < len(body.panels):
        wrong = "The panels are not, each once, among those this kind serves"
        raise invalid(FieldError("/panels", "PANEL_UNKNOWN", wrong))
    settings: Settings = request.app.state.settings
    hosts = hosts_of(body.kind, settings.source_hosts, local=not settings.production)
    if not hosts.allow(body.base_url):
        raise invalid(FieldError("/base_url", "URL_INVALID", f"It is reached by https at one of these hosts: {hosts}"))
    return await write(request, who, key, Write("put_source_connection", body, name, who.org_id))


@router.get("/v1/source-connections", response_model=Page[SourceConnectionAnswer])
def list_source_connections(request: Request, who: Reader) -> Response:
    """The source connections of the organisation, which are its external systems."""
    with reading(request, who) as tx:
        found = [source_connection_answer(c) for c in panels.connections(tx)]
    return shown(Page(items=found, next_cursor=None))


@router.get(
    "/v1/source-connections/{name}",
    response_model=SourceConnectionAnswer,
    responses=refusals("SOURCE_CONNECTION_NOT_FOUND"),
)
def get_source_connection(request: Request, name: str, who: Reader) -> Response:
    """One source connection: the external system of that name, and the panels that it serves."""
    with reading(request, who) as tx:
        found = panels.connection(tx, name)
    if found is None:
        raise Refusal("SOURCE_CONNECTION_NOT_FOUND", f"There is no source connection {name}.")
    return shown(source_connection_answer(found))
