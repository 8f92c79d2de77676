"""Is the process alive, can it work, what has it done: for supervisors and Prometheus, without a token."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from temporalio.client import Client

from api import figures, metrics
from api.answering import shown
from api.problems import problem_response
from api.query import CheckedRoute
from api.readiness import Readiness
from api.temporal import TemporalLink
from models.answers import answer
from models.errors import Refusal
from models.stuck import Backlog, FiguresAnswer, ProcessesAnswer, TroubleAnswer
from models.tls import CertificateAnswer, ends_soon
from settings import Settings
from workflows.tls import certificates

router: Final = APIRouter(tags=["health"], redirect_slashes=False, route_class=CheckedRoute)


SetUp = Literal["EVIDENCE_NOT_SIGNED", "TLS_CERTIFICATE_ENDS"]


@answer
class HealthAnswer:
    """The process answers."""

    status: Literal["ok"]


@answer
class ReadinessAnswer:
    """Requests can be served: each check by its name is `ok`. What is `missing` all the same (Temporal, as a rule) keeps
    back only what needs it."""

    status: Literal["ready"]
    checks: Mapping[str, str]
    missing: Sequence[str]


@answer
class DegradedAnswer:
    """`degraded`: requests are served, but something is missing, stands still, fails again and again, or no worker is there.
    `trouble` says what, how much of it, and since when; `processes` who was last seen when; `open` what is open, wrong or not;
    `queues` what waits in Temporal (empty where it does not say); `warnings` what is set up in a way that nobody should leave it
    in, and degrades nothing: `EVIDENCE_NOT_SIGNED`; `TLS_CERTIFICATE_ENDS` where one of the `certificates` that settings name
    ends within 14 days, has ended, or cannot be read."""

    status: Literal["ready", "degraded"]
    checks: Mapping[str, str]
    missing: Sequence[str]
    trouble: Sequence[TroubleAnswer]
    processes: Sequence[ProcessesAnswer]
    open: FiguresAnswer
    queues: Sequence[Backlog]
    warnings: Sequence[SetUp]
    certificates: Sequence[CertificateAnswer]


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
    """Whether requests can be served. `503` names what is missing without which none can be: database, migrations, the
    identity provider's keys. Without Temporal reads and what needs no process are served: `200`, and `missing` names it. With
    `?verbose` also whether anything stands still: `degraded`, and what."""
    readiness: Readiness = request.app.state.readiness
    found = await readiness.examine()
    missing = sorted(name for name, problem in found.items() if problem is not None)
    checks = {name: problem or "ok" for name, problem in found.items()}
    if prevented := [name for name in missing if readiness.prevents(name)]:
        refusal = Refusal("UNAVAILABLE", f"Not ready: {', '.join(prevented)}.", missing=missing, checks=checks)
        return problem_response(refusal, request)
    if verbose is None:
        return shown(ReadinessAnswer(status="ready", checks=checks, missing=missing))
    away = [TroubleAnswer(what=f"{name.upper()}_AWAY", number=1, oldest=readiness.since(name)) for name in missing]
    queues = await figures.waiting(None if "temporal" in missing else _temporal(request))
    engine: Engine = request.app.state.engine
    wrong = [*away, *await run_in_threadpool(figures.trouble, engine, queues)]
    processes, summed = await run_in_threadpool(_looked_at, engine)
    settings: Settings = request.app.state.settings
    ending = await run_in_threadpool(certificates, settings)
    answered = DegradedAnswer(
        status="degraded" if wrong else "ready", checks=checks, missing=missing, trouble=wrong,
        processes=processes, open=summed, queues=queues, warnings=tuple(_warnings(settings, ending)), certificates=ending,
    )  # fmt: skip
    return shown(answered)


def _looked_at(engine: Engine) -> tuple[Sequence[ProcessesAnswer], FiguresAnswer]:
    return figures.processes(engine), figures.summed(engine)


def _warnings(settings: Settings, ending: Sequence[CertificateAnswer]) -> Iterator[SetUp]:
    if not settings.signs:
        yield "EVIDENCE_NOT_SIGNED"
    if any(ends_soon(one, datetime.now(UTC)) for one in ending):
        yield "TLS_CERTIFICATE_ENDS"


def _temporal(request: Request) -> Client | None:
    """The client, where there is one: what is measured and examined does not need it."""
    link: TemporalLink | None = getattr(request.app.state, "temporal", None)
    return link.connected if link is not None else None


_METRICS: Final = {
    "description": "Prometheus' text format.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


@router.get("/metrics", response_class=PlainTextResponse, responses={200: _METRICS})
async def get_metrics(request: Request) -> Response:
    """The metrics of this process in Prometheus' text format."""
    refresh = request.app.state.refresh_metrics
    await figures.refresh_backlogs(_temporal(request))
    body = await asyncio.to_thread(metrics.exposition, refresh)
    return Response(body, media_type=None, headers={"Content-Type": metrics.CONTENT_TYPE})
