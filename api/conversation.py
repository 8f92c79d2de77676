"""Where assistants speak with arflow: the Model Context Protocol over streamable HTTP at `/mcp`.

The door asks for the caller's bearer token and hands every call of a tool to this same application, with that token, as a
request of its own. So whatever a tool does has passed the gate.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.agents import ELICITED, require_agents_of
from api.auth import Unauthenticated
from api.gate import JSON_LIMIT
from api.problems import problem_response
from conversation.api import BY_THE_PERSON, HttpApi
from models.access import Principal
from models.errors import Refusal
from settings import Settings

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"
METADATA: Final = "/.well-known/oauth-protected-resource"
WITHIN: Final = "http://arflow.invalid"
"""The address of a request that never leaves the process."""
_CONFIRMED: Final = BY_THE_PERSON.lower().encode()


class Door:
    """`/mcp`: who calls, then the protocol. Its library takes as long to read as all of ours: it is read on a thread, beside
    the start in production and with the first call in development, where most starts never see one."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._called = asyncio.Event()
        self._sessions: asyncio.Future[StreamableHTTPSessionManager] | None = None
        self.route = Route(PATH, endpoint=self, name="mcp")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve, until the application ends."""
        self._sessions = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(self._serve(self._sessions))
        if self._app.state.settings.production:
            self._called.set()
        try:
            yield
        finally:
            self._sessions = None
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving

    async def _serve(self, ready: "asyncio.Future[StreamableHTTPSessionManager]") -> None:
        await self._called.wait()
        try:
            sessions = await asyncio.to_thread(self._made)
        except Exception as error:
            ready.set_exception(error)
            return
        async with sessions.run():
            ready.set_result(sessions)
            await asyncio.Event().wait()

    def _made(self) -> "StreamableHTTPSessionManager":
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from conversation.server import conversation_server

        server = conversation_server(self._api_for, version("arflow"))
        return StreamableHTTPSessionManager(server, max_request_body_size=JSON_LIMIT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        scope["route"] = self.route  # by which the log and the metrics name it
        try:
            who = await self._authenticate(request)
        except Refusal as refusal:
            headers = getattr(refusal, "headers", None)
            await problem_response(refusal, request, headers)(scope, receive, send)
            return
        assert self._sessions is not None
        self._called.set()
        sessions = await asyncio.shield(self._sessions)
        scope["user"] = _user(who)
        await sessions.asgi_app(scope, receive, send)

    async def _authenticate(self, request: Request) -> Principal:
        """401 without a valid token, saying where to get one; 403 for a page of another site. A session is its person's."""
        try:
            who: Principal = await self._app.state.authenticator.principal(request.headers)
        except Unauthenticated as refusal:
            where = f'resource_metadata="{base_url(request)}{METADATA}{PATH}"'
            refusal.headers = {"WWW-Authenticate": f"{refusal.headers['WWW-Authenticate']}, {where}"}
            raise
        _refuse_other_sites(request)
        await require_agents_of(self._app.state, who.org_id, writes=False)
        request.state.principal = who
        return who

    def _api_for(self, ctx: Any) -> HttpApi:
        """The application itself, asked with the token of this very request."""
        from conversation.server import client_name

        outer: Request = ctx.request
        headers = {"Authorization": outer.headers["authorization"], "X-Request-Id": outer.state.request_id}
        transport = httpx2.ASGITransport(app=self._within, raise_app_exceptions=False)
        http = httpx2.AsyncClient(transport=transport, base_url=WITHIN, headers=headers)
        return HttpApi(http, base_url(outer), client_name(ctx))

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request of our own. Only here it is known that the person was asked, and said yes."""
        if any(name == _CONFIRMED for name, _ in scope["headers"]):
            scope["state"] = {ELICITED: True}
        await self._app(scope, receive, send)


def _user(who: Principal) -> object:
    """Whose a session is, as the protocol's library keeps it."""
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    return AuthenticatedUser(AccessToken(token="", client_id=f"{who.org_id}/{who.sub}", scopes=[], subject=who.sub))


def _refuse_other_sites(request: Request) -> None:
    """403 where a browser says that the page of another site asks. A name that was only asked for proves nothing: another
    site may have it point here (DNS rebinding). So without a configured address only this machine's own is trusted."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    here, settings = urlsplit(base_url(request)), request.app.state.settings
    own = settings.public_url is not None or here.hostname == "localhost" or _is_address(here.hostname or "")
    if not own or urlsplit(origin).netloc != here.netloc:
        raise Refusal("FORBIDDEN", "This is not asked by pages of other sites.")


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def base_url(request: Request) -> str:
    """Where people and assistants reach this API: as configured, else as it was asked."""
    settings: Settings = request.app.state.settings
    return (settings.public_url or str(request.base_url)).rstrip("/")


async def metadata(request: Request) -> Response:
    """What protects `/mcp` (RFC 9728): whose tokens are taken."""
    settings: Settings = request.app.state.settings
    said: Mapping[str, object] = {
        "resource": f"{base_url(request)}{PATH}",
        "resource_name": "arflow",
        "bearer_methods_supported": ["header"],
        **({"authorization_servers": [settings.oidc_issuer]} if settings.oidc_issuer else {}),
    }
    return JSONResponse(said)


def routes(door: Door) -> list[Route]:
    """The door and its metadata."""
    return [
        door.route,
        Route(METADATA, endpoint=metadata, methods=["GET"]),
        Route(METADATA + PATH, endpoint=metadata, methods=["GET"]),
    ]
