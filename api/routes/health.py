"""Is the process alive, can it work, what has it done: for supervisors and Prometheus, without a token."""

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from api import metrics
from api.answering import shown
from api.problems import problem_response
from api.query import CheckedRoute
from api.readiness import Readiness
from models.answers import answer
from models.errors import Refusal

router: Final = APIRouter(tags=["health"], redirect_slashes=False, route_class=CheckedRoute)


@answer
class HealthAnswer:
    """The process answers."""

    status: Literal["ok"]


@answer
class ReadinessAnswer:
    """Requests can be served: each check by its name is `ok`."""

    status: Literal["ready"]
    checks: Mapping[str, str]


@router.get("/healthz", response_model=HealthAnswer)
async def get_health() -> Response:
    """The process answers. It says nothing of what the process needs: see `/readyz`."""
    return shown(HealthAnswer(status="ok"))


_NOT_READY: Final = {
    "description": "UNAVAILABLE: `missing` names what, `checks` says why",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@router.get("/readyz", response_model=ReadinessAnswer, responses={503: _NOT_READY})
async def get_readiness(request: Request) -> Response:
    """Whether requests can be served: database, migrations, Temporal. `503` names what is missing."""
    readiness: Readiness = request.app.state.readiness
    found = await readiness.examine()
    missing = sorted(name for name, problem in found.items() if problem is not None)
    checks = {name: problem or "ok" for name, problem in found.items()}
    if missing:
        refusal = Refusal("UNAVAILABLE", f"Not ready: {', '.join(missing)}.", missing=missing, checks=checks)
        return problem_response(refusal, request)
    return shown(ReadinessAnswer(status="ready", checks=checks))


_METRICS: Final = {
    "description": "Prometheus' text format.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


@router.get("/metrics", response_class=PlainTextResponse, responses={200: _METRICS})
async def get_metrics(request: Request) -> Response:
    """The metrics of this process in Prometheus' text format."""
    refresh = request.app.state.refresh_metrics
    body = await asyncio.to_thread(metrics.exposition, refresh)
    return Response(body, media_type=None, headers={"Content-Type": metrics.CONTENT_TYPE})
