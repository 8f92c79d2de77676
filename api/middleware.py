"""What surrounds every request: its id, its line in the log, its time in the metrics, and the last resort.

Plain ASGI: Starlette's BaseHTTPMiddleware costs a task and two queues per request. The log names the route's template,
never the path or the query string (they may hold personal data), and neither bodies nor tokens nor people.
"""

import re
import secrets
import time
from typing import Any, Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.problems import internal_problem

log = structlog.get_logger("arflow.api")
access = structlog.get_logger("arflow.access")

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
UNMATCHED: Final = "unmatched"


class RequestContext:
    """Gives each request its id, answers what nobody caught with `INTERNAL`, measures and logs."""

    def __init__(self, app: ASGIApp, access_log: bool = False) -> None:
        self._app, self._access_log = app, access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        exchange = _Exchange(scope)
        await exchange.run(self._app, receive, send)
        if self._access_log:
            exchange.say_who()


def _without_body(send: Send) -> Send:
    """HEAD is GET without the body (RFC 9110): the same status and headers, the length of the body included."""

    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._state["request_id"] = _request_id(scope)
        self._status = 0  # until the answer begins
        self._started = time.perf_counter()

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                self._add_headers(message)
            await send(message)

        metrics.IN_PROGRESS.inc()
        try:
            await app(self._scope, receive, answering)
        except ClientDisconnect:
            pass  # nobody is there to be answered: 499 in the log
        except Exception as error:
            if self._status:  # the answer has begun: only the connection can tell the caller
                log.error("answer broken off", request_id=self._state["request_id"], exc_info=error)
                raise
            response = internal_problem(Request(self._scope), error)
            await response(self._scope, receive, answering)
        finally:
            metrics.IN_PROGRESS.dec()
            self._record()

    def _add_headers(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers["X-Request-Id"] = self._state["request_id"]
        if key := self._state.get("idempotency_key"):
            headers["Idempotency-Key"] = key
        if workflow_id := self._state.get("workflow_id"):
            headers.setdefault("X-Workflow-Id", workflow_id)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if self._scope["app"].state.readiness.draining:
            headers["Connection"] = "close"  # what is kept open here would be sent to a process that is about to go
        if self._scope["path"].startswith("/v1/"):
            headers.setdefault("Cache-Control", "no-store")

    def _record(self) -> None:
        seconds = time.perf_counter() - self._started
        route = route_template(self._scope)
        method = self._scope["method"] if self._scope["method"] in _METHODS else "OTHER"
        status = self._status or 499  # the caller went away before an answer began
        metrics.REQUEST_SECONDS.labels(method, route, status).observe(seconds)
        if route not in _QUIET:
            principal = self._state.get("principal")
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                request_id=self._state["request_id"],
                org_id=getattr(principal, "org_id", None),
            )

    def say_who(self) -> None:
        """Who asked for what, and whether they got it: for whoever must answer who has seen a customer's records."""
        principal = self._state.get("principal")
        if principal is not None:
            access.info(
                "access",
                sub=principal.sub,
                agent=principal.agent.name if principal.agent else None,
                org_id=principal.org_id,
                method=self._scope["method"],
                path=self._scope["path"],
                status=self._status or 499,
                request_id=self._state["request_id"],
            )


def route_template(scope: Scope) -> str:
    """`/v1/invoices/{id}`, whatever the id was."""
    return getattr(scope.get("route"), "path", UNMATCHED)


def _request_id(scope: Scope) -> str:
    """The caller's id where it is sane (it goes into logs and headers), else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return str(given)
            break
    return f"req_{secrets.token_hex(12)}"
