"""One row in one round trip, waited for on the event loop."""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from models.db.engine import fetch_once
from models.db.postgres.pipeline import RawRow
from models.db.postgres.reads import LoopReads, Parameter


async def read_row(state: State, org_id: str, query: str, params: Mapping[str, Parameter]) -> RawRow | None:
    """The first row of a statement; on a thread where the application has no connections on the event loop."""
    reads: LoopReads | None = getattr(state, "reads", None)
    if reads is not None:
        return await reads.fetch(org_id, query, params)
    return await run_in_threadpool(fetch_once, state.engine, org_id, query, params)
