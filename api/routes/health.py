"""Is the process alive, can it work, what has it done: for supervisors and Prometheus, without a token."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from api import metrics
from api.answering import shown
from api.problems import problem_response
from api.query import CheckedRoute
from api.readiness import Readiness
from models.answers import answer
from models.db import standing
from models.errors import Refusal
from models.standing import ProcessesAnswer, TroubleAnswer

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


@answer
class DegradedAnswer:
    """`degraded`: requests are served, but something stands still, fails again and again, or no worker is there.
    `trouble` says what, how much of it, and since when; `processes` who was last seen when."""

    status: Literal["ready", "degraded"]
    checks: Mapping[str, str]
    trouble: Sequence[TroubleAnswer]
    processes: Sequence[ProcessesAnswer]


@router.get("/healthz", response_model=HealthAnswer)
async def get_health() -> Response:
    """The process answers. It says nothing of what the process needs: see `/readyz`."""
    return shown(HealthAnswer(status="ok"))


_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_UNKNOWN: Final = {"description": "VALIDATION_FAILED: there is no such query parameter", "content": _PROBLEM}
_NOT_READY: Final = {
    "description": "UNAVAILABLE: `missing` names what, `checks` says why",
    "content": _PROBLEM,
}


@router.get("/readyz", response_model=ReadinessAnswer | DegradedAnswer, responses={422: _UNKNOWN, 503: _NOT_READY})
async def get_readiness(
    request: Request,
    verbose: Annotated[str | None, Query(description="Say as well what stands still; `?verbose` is enough")] = None,
) -> Response:
    """Whether requests can be served: database, migrations, Temporal. `503` names what is missing. With `?verbose` also
    whether anything stands still: `degraded`, and what."""
    readiness: Readiness = request.app.state.readiness
    found = await readiness.examine()
    missing = sorted(name for name, problem in found.items() if problem is not None)
    checks = {name: problem or "ok" for name, problem in found.items()}
    if missing:
        refusal = Refusal("UNAVAILABLE", f"Not ready: {', '.join(missing)}.", missing=missing, checks=checks)
        return problem_response(refusal, request)
    if verbose is None:
        return shown(ReadinessAnswer(status="ready", checks=checks))
    return shown(await run_in_threadpool(_looked_at, request.app.state.engine, checks))


def _looked_at(engine: Engine, checks: Mapping[str, str]) -> DegradedAnswer:
    found = [TroubleAnswer(what=t.what, number=t.number, oldest=t.oldest) for t in standing.trouble(engine)]
    processes = [_processes(engine, "api"), _processes(engine, "worker")]
    if not processes[1].number:
        found.append(TroubleAnswer(what="NO_WORKER", number=0, oldest=processes[1].last_seen_at))
    return DegradedAnswer(
        status="degraded" if found else "ready", checks=checks, trouble=found, processes=processes
    )  # fmt: skip


def _processes(engine: Engine, kind: Literal["api", "worker"]) -> ProcessesAnswer:
    seen = standing.last_seen(engine, kind)
    return ProcessesAnswer(kind=kind, number=seen.number, last_seen_at=seen.at)


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
