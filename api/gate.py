"""The gate before every business route: it settles who asks and what is sent before FastAPI looks at the request.

FastAPI validates a body before any dependency may object, so the order of docs/api.md, section 2 (401, then 413 and 415,
then 403, then 422) cannot be had from dependencies. A `GatedRoute` therefore runs, in this order: token, rate limit,
size and content type, role, query, form or strict JSON. Only then FastAPI validates and calls the route.

A route says what it needs in its signature: `who: Annotated[Principal, requires("payments.apply", RECORD)]`, and how
far a write reaches; a token limited to some legal entities writes nothing that is of the whole organisation.
A gated route that says nothing is a defect and fails at import.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import Message
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.params import File, Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope

from api import json_body
from api.agents import CLIENT_HEADER, require_agents_of
from api.calling import Handler, handler_of
from api.problems import invalid, refusals
from api.query import CheckedRoute, KnownNames, Query
from api.tags import Tag
from api.uploads import announced
from models.access import MEANINGS, PERMISSIONS, Principal, Reach, roles_with
from models.empty import EMPTY
from models.errors import FieldError, Refusal

JSON_LIMIT: Final = 1024 * 1024
UPLOAD_LIMIT: Final = 50 * 1024 * 1024
IMPORT_LIMIT: Final = 2 * 1024 * 1024 * 1024
"""Bytes of a JSON body, of an upload (multipart overhead included), of an import's upload."""

_GENERAL: Final = (
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "ORG_CONTEXT_MISMATCH",
    "VALIDATION_FAILED",
    "RATE_LIMITED",
    "UNAVAILABLE",
    "AGENTS_OFF",
)
_OF_WRITES: Final = (
    "PERSON_REQUIRED",
    "AGENTS_READ_ONLY",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "IDEMPOTENCY_KEY_CONFLICT",
)

_ORGANISATIONS: Final = (
    "This is of the whole organisation: it takes a token of every legal entity; yours covers only {}."
)


class Requires:
    """What a route asks of the person: a permission of the role table, or (None) only to be somebody."""

    def __init__(
        self, permission: str | None, reach: Reach | None, body_limit: int | None, also: Mapping[str, str], agents: bool
    ) -> None:
        for named in (permission, *also.values()):
            if named is not None and named not in PERMISSIONS:
                raise KeyError(f"no such permission: {named}")
        self.also = also
        self.permission = permission
        self.reach = reach
        self.body_limit = body_limit
        self.agents = agents

    def lets_agents(self, method: str) -> bool:
        """Whether an assistant may ask: reads, and the routes that say so. What else writes is a person's."""
        reads = self.permission is None or self.permission.endswith((".read", ".read_all"))
        return self.agents or (method in ("GET", "HEAD") and reads)

    async def __call__(self, request: Request) -> Principal:
        """The principal that the gate let through (async: FastAPI would hand a plain function to a thread)."""
        principal: Principal = request.state.principal
        return principal


def requires(
    permission: str | None, reach: Reach | None = None, *, body_limit: int | None = None, also: Mapping[str, str] = EMPTY,
    agents: bool = False,
) -> Any:  # fmt: skip
    """For a route's signature: `Annotated[Principal, requires("invoices.write", RECORD)]`.

    `None` admits every authenticated person. Every write says its `reach`; a read that shows what no token may see that is
    limited to some legal entities says ORGANISATION. `body_limit` in bytes replaces the usual one (JSON 1 MB, uploads 50 MB).
    `also`: what a member of the body asks for beside that, where it is there. `agents`: assistants may write here.
    """
    return Depends(Requires(permission, reach, body_limit, also, agents))


class GatedRequest(Request):
    """A request whose JSON body has been read strictly by the gate."""

    _parsed: Any = None

    async def json(self) -> Any:
        return self._parsed

    def keep(self, parsed: Any) -> None:
        self._parsed = parsed


class GatedRoute(CheckedRoute):
    """A route behind the gate; see the module."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods = {method.upper() for method in options.get("methods") or ["GET"]}
        codes = _GENERAL + (_OF_WRITES if methods - {"GET"} else ())
        options["responses"] = _merged(refusals(*codes), options.get("responses") or {})
        super().__init__(path, endpoint, **options)
        needs = _needs(self)
        if methods - {"GET"} and needs.reach is None:
            raise TypeError(f"{path} writes, and must say by requires() how far: organisation, record or own")
        extra: dict[str, Any] = {"security": [{"bearer": []}]}
        if needs.permission is not None:
            extra["x-permission"] = needs.permission
            extra["x-roles"] = roles_with(needs.permission)
        if needs.reach is not None:
            extra["x-reach"] = needs.reach.value
        self.openapi_extra = extra | (self.openapi_extra or {})

    def called(self) -> Handler:
        return handler_of(self, _needs(self)) or super().called()

    def get_route_handler(self) -> Handler:
        inner = self.served()
        needs, query = _needs(self), Query(self)
        form = self.body_field is not None and isinstance(self.body_field.field_info, Form | File)
        kind = "multipart/form-data" if form else "application/json"
        limit = needs.body_limit or (UPLOAD_LIMIT if form else JSON_LIMIT)
        takes_json = self.body_field is not None and not form
        parts = {field.alias: field.field_info.is_required() for field in self.dependant.body_params}
        fields = KnownNames("form field", (), parts) if form else None
        needed = [name for name, required in parts.items() if required]

        async def handle(request: Request) -> Response:
            state = request.app.state
            principal = await state.authenticator.principal(request.headers)
            state.rate_limit.count(principal)
            request.state.principal = principal
            gated = _limited(request, limit)
            if self.body_field is not None:
                _check_type(gated, kind)
            raw = await gated.body() if takes_json else b""
            await check_agents(request, principal, needs)
            if needs.permission is not None:
                require(principal, needs.permission)
            if needs.reach is Reach.ORGANISATION and principal.entities is not None:
                raise Refusal("FORBIDDEN", _ORGANISATIONS.format(", ".join(sorted(principal.entities))))
            _check_text(gated.scope)
            query.check(gated.scope)
            if fields is not None:
                with state.uploads.one(announced(request, limit)):
                    await _check_form(gated, fields, needed)
                    return await inner(gated)
            if raw:
                gated.keep(parsed := json_body.parse(raw))
                for member, permission in needs.also.items():
                    if isinstance(parsed, dict) and parsed.get(member) is not None:
                        require(principal, permission)
            return await inner(gated)

        return handle


async def check_agents(request: Request, who: Principal, needs: Requires) -> None:
    """403 where an assistant asks and the organisation, or the route, leaves it to people."""
    if who.agent is None and CLIENT_HEADER not in request.headers:
        return
    writes = request.method not in ("GET", "HEAD")
    await require_agents_of(request.app.state, who.org_id, writes=writes)
    if not needs.lets_agents(request.method):
        detail = "An assistant proposes (POST /v1/proposals), and a person commits; this needs the person."
        raise Refusal("PERSON_REQUIRED", detail)


def gated_router(tag: Tag) -> APIRouter:
    """The router of one noun. Declare full paths: `@router.get("/v1/invoices/{id}")`."""
    return APIRouter(route_class=GatedRoute, tags=[tag], redirect_slashes=False)


def require(principal: Principal, permission: str) -> None:
    """`403` that says what was asked for, and which roles have it, unless the person has it."""
    if principal.may(permission):
        return
    roles = roles_with(permission)
    detail = f"This needs {permission} ({MEANINGS[permission]}). Roles that have it: {', '.join(roles)}."
    raise Refusal("FORBIDDEN", detail, permission=permission, roles=roles)


def _needs(route: APIRoute) -> Requires:
    found = [call for call in _calls(route.dependant) if isinstance(call, Requires)]
    if len(found) != 1:
        raise TypeError(f"{route.path} must name exactly one permission by requires(), it names {len(found)}")
    return found[0]


def _calls(dependant: Dependant) -> Iterator[Any]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from _calls(needed)


def _merged(general: dict[int | str, dict[str, Any]], own: dict[int | str, dict[str, Any]]) -> dict[int | str, Any]:
    """The responses of the route with the general refusals added, examples of one status side by side."""
    merged: dict[int | str, Any] = {**general, **own}
    for status in general.keys() & own.keys():
        problem = own[status].get("content", {}).get("application/problem+json")
        if problem is not None:
            examples = general[status]["content"]["application/problem+json"]["examples"] | problem.get("examples", {})
            merged[status] = {
                "description": f"{general[status]['description']}, {own[status]['description']}",
                "content": {"application/problem+json": {**problem, "examples": examples}},
            }
    return merged


def _limited(request: Request, limit: int) -> GatedRequest:
    """The request, refusing with 413 what announces or turns out to be more than `limit` bytes."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:20]) > limit:
        raise _too_large(limit)
    return GatedRequest(request.scope, _counting(request.receive, limit))


def _counting(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> AsgiMessage:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> HTTPException:
    # An HTTPException, because it is the only one that FastAPI lets pass while it reads a form.
    return HTTPException(413, f"The body exceeds {limit} bytes.")


def _check_type(request: Request, kind: str) -> None:
    """`415` unless the body, if there is one, is of the route's kind, in UTF-8 and not compressed."""
    headers = request.headers
    given = headers.get("content-type")
    if given is None:
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", f"The body needs the content type {kind}.")
        return
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Compressed bodies are not taken.")
    message = Message()
    message["content-type"] = given
    found = message.get_content_type()
    json_like = kind == "application/json" and found.startswith("application/") and found.endswith("+json")
    if found != kind and not json_like:
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", f"The content type is {kind}, not what was sent.")
    if str(message.get_content_charset("utf-8")).replace("-", "") != "utf8":
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", "JSON is UTF-8.")


async def _check_form(request: Request, fields: KnownNames, needed: Sequence[str]) -> None:
    """`422` for a field that the form does not have, or that is sent twice. FastAPI finds the form read, and closes it."""
    form = await request.form()
    if errors := fields.errors([name for name, _ in form.multi_items()]):
        await form.close()
        missing = [
            FieldError(fields.loc(name), "FIELD_REQUIRED", "Field required") for name in needed if name not in form
        ]
        raise invalid(*missing, *errors)


def _check_text(scope: Scope) -> None:
    """`422` for a NUL in the path: no text column can hold it."""
    if "\0" in scope["path"]:
        raise invalid(FieldError("/path", "FIELD_TYPE", "NUL characters are not allowed"))
