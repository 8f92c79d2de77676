"""Is the process alive, can it work, what has it done: for supervisors and Prometheus, without a token."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api import metrics
from api.problems import problem_response
from api.query import CheckedRoute
from api.readiness import Readiness
from models.errors import Refusal

router: Final = APIRouter(tags=["operation"], redirect_slashes=False, route_class=CheckedRoute)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers. It says nothing of what the process needs: see `/readyz`."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None, responses={503: {"description": "UNAVAILABLE: `missing` names what"}})
async def readyz(request: Request) -> Response:
    """Whether requests can be served: database, migrations, Temporal. `503` names what is missing."""
    readiness: Readiness = request.app.state.readiness
    found = await readiness.examine()
    missing = sorted(name for name, problem in found.items() if problem is not None)
    checks: dict[str, Any] = {name: problem or "ok" for name, problem in found.items()}
    if missing:
        refusal = Refusal("UNAVAILABLE", f"Not ready: {', '.join(missing)}.", missing=missing, checks=checks)
        return problem_response(refusal, request)
    return JSONResponse({"status": "ready", "checks": checks})


@router.get("/metrics", response_model=None)
async def prometheus(request: Request) -> Response:
    """The metrics of this process in Prometheus' text format."""
    refresh = request.app.state.refresh_metrics
    body = await asyncio.to_thread(metrics.exposition, refresh)
    return Response(body, media_type=None, headers={"Content-Type": metrics.CONTENT_TYPE})
