"""The FastAPI application: its shell and its routers."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

import tracing
from api import routes
from api.auth import Authenticator
from api.conversation import Door
from api.conversation import routes as conversation_routes
from api.description import describe, written
from api.doors import Doors
from api.gate import GatedRoute
from api.lifespan import lifespan
from api.limiting import RateLimit
from api.middleware import RequestContext
from api.problems import handle_problems
from api.query import CheckedRoute, PageRoute
from api.readiness import Readiness
from api.streams import Streams
from api.uploads import Uploads
from api.web import pages
from settings import Settings, get_settings

_FIRST: Final = ("customer_360", "health", "payments", "customers", "customer_changes", "approvals", "statements")
"""Routes are tried and described in order: these first, for those measured in milliseconds and for a reader's sake."""

_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own looks in each request whether somebody listens, and would tell him addresses. Ours: `tracing`, `metrics`."""


def _routers() -> Iterator[APIRouter]:
    """Those of every module of the routes, and the pages."""
    others = sorted({module.name for module in pkgutil.iter_modules(routes.__path__)} - set(_FIRST))
    for name in (*_FIRST, *others):
        yield importlib.import_module(f"{routes.__name__}.{name}").router
    yield pages.router


ROUTERS: Final[Sequence[APIRouter]] = tuple(_routers())

description = APIRouter(route_class=CheckedRoute, include_in_schema=False, redirect_slashes=False)


@description.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The API's description. Made on a thread, once: it takes a moment, in which others are served."""
    made = await run_in_threadpool(written, request.app)
    headers = {"ETag": made.etag}
    if request.headers.get("if-none-match") == made.etag:
        return Response(status_code=304, headers=headers)
    return Response(made.body, headers=headers, media_type="application/json")


def create_app(settings: Settings | None = None, routers: Sequence[APIRouter] = ROUTERS) -> FastAPI:
    """The application. SettingsError where the environment asks for something that cannot be."""
    settings = settings or get_settings()
    app = FastAPI(
        title="arflow",
        version=version("arflow"),
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        openapi_url=None,  # ours, above: FastAPI's looks at no query
        docs_url=None,  # ours, in api.web.pages: FastAPI's page loads its script from elsewhere
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.authenticator = Authenticator(settings)
    app.state.rate_limit = RateLimit(settings.effective_rate_limit)
    app.state.readiness = Readiness()
    app.state.refresh_metrics = None
    app.state.streams = Streams()
    app.state.uploads = Uploads(settings.upload_bytes)
    handle_problems(app)
    if settings.internal_port is not None:
        app.add_middleware(Doors, inner_port=settings.internal_port)
    if tracing.is_on():
        app.add_middleware(tracing.TracedRequests)
    app.add_middleware(RequestContext, access_log=settings.access_log)
    if ungated := routes_without_gate(routers):
        raise TypeError(f"routes under /v1 that pass no gate: {', '.join(ungated)}")
    if unchecked := routes_with_any_query(routers):
        raise TypeError(f"routes that do not look at their query: {', '.join(unchecked)}")
    routers = (*routers, description)
    # Flat: a router that is included is asked for all its routes, twice, before its neighbour is.
    app.router.routes.extend(route for router in routers for route in router.routes)
    app.state.door = Door(app)
    app.router.routes.extend(conversation_routes(app.state.door))
    app.state.routes = app.routes
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # the documented way to extend the schema
    return app


def routes_without_gate(routers: Sequence[APIRouter]) -> list[str]:
    """Paths under /v1 whose routes would run without asking who calls. There must be none."""
    routes = (route for router in routers for route in router.routes)
    return [route.path for route in routes if isinstance(route, Route) and _is_open(route)]


def routes_with_any_query(routers: Sequence[APIRouter]) -> list[str]:
    """Paths whose routes would not hear what stands in the query: only pages may, which do nothing. There must be none."""
    routes = (route for router in routers for route in router.routes)
    return [
        route.path
        for route in routes
        if isinstance(route, Route)
        and not isinstance(route, CheckedRoute)
        and not (isinstance(route, PageRoute) and (route.methods or set()) <= {"GET", "HEAD"})
    ]


def _is_open(route: Route) -> bool:
    return route.path.startswith("/v1") and not isinstance(route, GatedRoute)
