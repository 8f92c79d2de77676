"""Where a change stands, as its process needs to know it."""

from datetime import UTC, datetime

from models.customers.change_records import Change
from models.messages.changes import ChangeState


def state_of(change: Change, now: datetime, *, replayed: bool = False) -> ChangeState:
    """Where the change stands; its deadlines in seconds from `now`."""
    chain, step = change.chain, change.awaiting
    state = ChangeState(
        known=True,
        status=chain.status.value,
        operation=change.operation,
        lane=change.lane,
        customer_id=change.customer_id,
        round=chain.round,
        step=step.number if step else 0,
        role=step.role if step else "",
        returned=chain.returned,
        complete=change.is_approved,
        replayed=replayed,
    )
    if step is None or step.started_at is None or step.due_at is None or step.remind_at is None:
        return state
    state.since, state.due_at = _text(step.started_at), _text(step.due_at)
    if step.escalated_at is None:
        state.escalate_in = max(0.0, (step.due_at - now).total_seconds())
        if step.reminded_at is None:
            state.remind_in = max(0.0, (step.remind_at - now).total_seconds())
    return state


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
