"""An import's review as a chain of approvals, kept with the import."""

from datetime import timedelta

from models.customers.approval import Chain, Step
from models.imports.records import Import, ReviewStep


def chain_of(one: Import) -> Chain:
    """The review's chain of steps, for the rule of approvals."""
    return Chain(one.submitted_by, tuple(_step(s) for s in one.steps))


def _step(s: ReviewStep) -> Step:
    return Step(
        number=s.step,
        role=s.role,
        remind_after=timedelta(seconds=s.remind_after),
        escalate_after=timedelta(seconds=s.escalate_after),
        fallback=s.fallback,
        status=s.status,
        started_at=s.started_at,
        remind_at=s.remind_at,
        due_at=s.due_at,
        decided_by=s.decided_by,
        decided_at=s.decided_at,
        reason_code=s.reason_code,
        comment=s.comment,
        escalated_at=s.escalated_at,
    )


def steps_of(chain: Chain) -> tuple[ReviewStep, ...]:
    """The chain as the import keeps it."""
    return tuple(
        ReviewStep(
            step=s.number,
            role=s.role,
            status=s.status,
            decided_by=s.decided_by,
            decided_at=s.decided_at,
            reason_code=s.reason_code,
            comment=s.comment,
            started_at=s.started_at,
            remind_at=s.remind_at,
            due_at=s.due_at,
            escalated_at=s.escalated_at,
            remind_after=s.remind_after.total_seconds(),
            escalate_after=s.escalate_after.total_seconds(),
            fallback=s.fallback,
        )
        for s in chain.steps
    )
