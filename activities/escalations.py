"""Looking at an escalation: what is due is done, and the next time is answered."""

from sqlalchemy import Engine
from temporalio import activity

from activities.errors import boundary, gone
from models.db.engine import transaction
from models.messages.customer_360 import EscalationInput, EscalationTimes
from operations.customer_360.escalations import look


class EscalationActivities:
    """Bound to the worker's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(name="look_at_escalation", no_thread_cancel_exception=True)
    def look_at_escalation(self, start: EscalationInput) -> EscalationTimes:
        """Remind, hand on or settle, whichever is due; idempotent."""
        with boundary(), transaction(self._engine, start.org_id) as tx:
            times = look(tx, start, activity.info().workflow_id)
            if times is None:
                raise gone(start.escalation_id or start.command_id)
            return times
