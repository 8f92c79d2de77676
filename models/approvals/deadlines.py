"""What the deadlines of a step do to its chain: they bring it to people's attention, and decide nothing."""

from dataclasses import replace
from datetime import datetime

from models.approvals.chain import Chain, Step


def reminded(chain: Chain, number: int, now: datetime) -> Chain | None:
    """Those whom the step waits for are reminded; None where a decision came first, or they were already."""
    step = _still_pending(chain, number)
    if step is None or step.reminded_at:
        return None
    return chain.with_step(replace(step, reminded_at=now))


def escalated(chain: Chain, number: int, now: datetime) -> Chain | None:
    """The step is overdue and goes to its fallback too; None where a decision came first."""
    step = _still_pending(chain, number)
    if step is None or step.escalated_at:
        return None
    return chain.with_step(replace(step, escalated_at=now))


def _still_pending(chain: Chain, number: int) -> Step | None:
    step = chain.pending if chain.is_open else None
    return step if step is not None and step.number == number else None
