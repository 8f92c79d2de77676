"""Looking at a deduction: what is due is done, and the next time is answered."""

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary, gone
from models.db.engine import transaction
from models.messages.deductions import DeductionInput, DeductionTimes
from operations.cash.deduction_watch import look


class DeductionActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="look_at_deduction", no_thread_cancel_exception=True)
    def look_at_deduction(self, start: DeductionInput) -> DeductionTimes:
        """Remind, hand on or end, whichever is due; idempotent."""
        with boundary(), transaction(self._engine, start.org_id) as tx:
            times = look(tx, start.deduction_id, activity.info().workflow_id)
            if times is None:
                raise gone(start.deduction_id)
            return times
