"""One row in one round trip, waited for on the event loop."""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from models.db.engine import fetch_once
from models.db.quick import Parameter, Quick, RawRow


async def quick_row(state: State, org_id: str, query: str, params: Mapping[str, Parameter]) -> RawRow | None:
    """The first row of a statement of `models.db.quick`; on a thread where the application has no quick connections."""
    quick: Quick | None = getattr(state, "quick", None)
    if quick is not None:
        return await quick.fetch(org_id, query, params)
    return await run_in_threadpool(fetch_once, state.engine, org_id, query, params)
