"""The nightly clean-up of what is older than it is kept."""

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.db.engine import clock
from models.db.organisations import all_org_ids
from models.messages.retention import PruneInput
from operations import retention


class PruningActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="prune_records", no_thread_cancel_exception=True)
    def prune_records(self, what: PruneInput) -> int:
        """Clean up one table in every organisation; how many rows went. A retry goes on where this one ended."""
        with boundary():
            now = clock(self._engine)
            return sum(
                retention.prune(self._engine, org, what, now, activity.heartbeat) for org in all_org_ids(self._engine)
            )
