"""The nightly clean-up behind imports."""

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary
from models.db.engine import clock
from models.db.organisations import all_org_ids
from operations.imports import retention


class RetentionActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="prune_imports", no_thread_cancel_exception=True)
    def prune_imports(self) -> int:
        """Clean up every organisation; how many imports lost their texts. A retry goes on where this one ended."""
        with boundary():
            now = clock(self._engine)
            return sum(retention.prune(self._engine, org, now, activity.heartbeat) for org in all_org_ids(self._engine))
