"""Where an approval stands, as its process needs to know it."""

from datetime import UTC, datetime

from models.approvals.records import UnderApproval
from models.messages.changes import ChangeState


def state_of(one: UnderApproval, now: datetime, *, replayed: bool = False) -> ChangeState:
    """Where it stands; its deadlines in seconds from `now`."""
    chain, step = one.chain, one.awaiting
    state = ChangeState(
        known=True,
        status=chain.status.value,
        operation=one.about,
        lane=one.lane,
        customer_id=one.whose,
        round=chain.round,
        step=step.number if step else 0,
        role=step.role if step else "",
        returned=chain.returned,
        complete=one.is_approved,
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
