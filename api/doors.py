"""Two doors: what is for operators (metrics, readiness, the description) is not on the port that everybody reaches, where the
operator names another one for it."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

INSIDE: Final = frozenset({"/metrics", "/readyz", "/docs", "/openapi.json"})
BOTH: Final = ("/healthz", "/static/")
NOWHERE: Final = "/nothing-is-here"


class Doors:
    """Leads a request that comes in by the wrong port to where nothing is."""

    def __init__(self, app: ASGIApp, inner_port: int) -> None:
        self._app, self._inner_port = app, inner_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(BOTH):
            inner = (scope.get("server") or ("", 0))[1] == self._inner_port
            if (scope["path"] in INSIDE) is not inner:
                scope = {**scope, "path": NOWHERE, "raw_path": NOWHERE.encode()}
        await self._app(scope, receive, send)
