"""The approval chain as a state machine, told who decides, what and when. It reads no clock and no database.

A chain is a list of steps, decided one after the other by distinct, entitled people who did not submit the change.
Its status moves PENDING_APPROVAL → APPROVED (executed) | REJECTED | WITHDRAWN | FAILED; a returned chain stays
PENDING_APPROVAL with no pending step until its submitter resubmits it, which begins a new round of decisions.

Who may act: `authorise` in the order closed → role → segregation → turn (docs/api.md, section 4).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.access import Principal
from models.approvals.plan import PlannedStep
from models.errors import FieldError, Refusal


class ChangeStatus(StrEnum):
    """SUBMITTED: kept, and not looked at yet. APPROVED means executed and visible."""

    SUBMITTED = "SUBMITTED"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    FAILED = "FAILED"


class StepStatus(StrEnum):
    """A step waits for its turn, is pending, was decided, or will never come."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SKIPPED = "SKIPPED"


class Decision(StrEnum):
    """What an approver may say. `return` gives the change back to its submitter for correction."""

    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"


OPEN: Final = frozenset({ChangeStatus.PENDING_APPROVAL})
ENDED: Final = frozenset({ChangeStatus.APPROVED, ChangeStatus.REJECTED, ChangeStatus.WITHDRAWN})
_OVER: Final = FieldError("/until", "FIELD_RANGE", "until lies in the past.")


@dataclass(frozen=True)
class Delegation:
    """The step is given to `to` by `by`, who could have decided it, until `until` (None: until it is decided)."""

    to: str
    by: str
    until: datetime | None = None

    def active(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Step:
    """One approval. Times are UTC; `remind_at` and `due_at` are set when it becomes pending."""

    number: int
    role: str
    remind_after: timedelta
    escalate_after: timedelta
    fallback: str
    status: StepStatus = StepStatus.WAITING
    started_at: datetime | None = None
    remind_at: datetime | None = None
    due_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    on_behalf_of: str | None = None
    reason_code: str | None = None
    comment: str | None = None
    delegation: Delegation | None = None
    escalated_at: datetime | None = None
    reminded_at: datetime | None = None

    def begin(self, now: datetime) -> "Step":
        return replace(
            self,
            status=StepStatus.PENDING,
            started_at=now,
            remind_at=now + self.remind_after,
            due_at=now + self.escalate_after,
        )


@dataclass(frozen=True)
class Chain:
    """A change's approvals in its present round."""

    submitted_by: str
    steps: tuple[Step, ...]
    status: ChangeStatus = ChangeStatus.PENDING_APPROVAL
    round: int = 1
    returned: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is still decided, or waits for its submitter."""
        return self.status in OPEN

    @property
    def pending(self) -> Step | None:
        return next((s for s in self.steps if s.status is StepStatus.PENDING), None)

    @property
    def complete(self) -> bool:
        """Every step is approved: the change may be executed, once."""
        return all(s.status is StepStatus.APPROVED for s in self.steps)

    @property
    def deciders(self) -> list[str]:
        """Who has decided a step, and for whom: none of them decides another."""
        return sorted({user for s in self.steps for user in (s.decided_by, s.on_behalf_of) if user is not None})

    def with_step(self, step: Step) -> "Chain":
        return replace(self, steps=tuple(step if s.number == step.number else s for s in self.steps))


def open_chain(submitted_by: str, plan: Iterable[PlannedStep], now: datetime, *, round_: int = 1) -> Chain:
    """A new round: the first step is pending, the others wait."""
    steps = [Step(n, p.role, p.remind_after, p.escalate_after, p.fallback) for n, p in enumerate(plan, 1)]
    return Chain(submitted_by, (steps[0].begin(now), *steps[1:]), round=round_)


def authorise(chain: Chain, who: Principal, number: int | None) -> Step:
    """The step that `who` may decide now: the one named, else the pending one.

    Raises CHANGE_CLOSED, STEP_NOT_PENDING, FORBIDDEN, SEGREGATION_OF_DUTIES.
    """
    if not chain.is_open:
        raise _closed(chain)
    step = _named(chain, number)
    if not who.holds(step.role):
        raise Refusal("FORBIDDEN", f"Step {step.number} is decided by {step.role}.", step=step.number, role=step.role)
    _segregate(chain, who.sub, step)
    if step.status is not StepStatus.PENDING:
        raise Refusal("STEP_NOT_PENDING", f"Step {step.number} is {step.status}.", step=step.number)
    return step


def _closed(chain: Chain) -> Refusal:
    return Refusal("CHANGE_CLOSED", f"The change is closed: {chain.status}.", status_now=chain.status.value)


def _named(chain: Chain, number: int | None) -> Step:
    step = chain.pending if number is None else next((s for s in chain.steps if s.number == number), None)
    if step is None:
        why = "The change waits for its submitter." if chain.returned else "No such step is pending."
        raise Refusal("STEP_NOT_PENDING", why, step=number)
    return step


def _segregate(chain: Chain, user: str, step: Step) -> None:
    if user == chain.submitted_by:
        raise Refusal("SEGREGATION_OF_DUTIES", "Who submitted a change does not decide it.", step=step.number)
    if any(s.decided_by == user or s.on_behalf_of == user for s in chain.steps if s.number != step.number):
        raise Refusal("SEGREGATION_OF_DUTIES", "Each step is decided by another person.", step=step.number)


def require_reason(decision: Decision, reason_code: str | None) -> None:
    """Rejecting and returning need a reason code."""
    if decision is not Decision.APPROVE and not reason_code:
        raise Refusal("REASON_REQUIRED", f"To {decision} a change, give a reason_code.")


def repeats(chain: Chain, who: Principal, decision: Decision, *, step: int | None, reason: str | None) -> bool:
    """Whether `who` has said just this in the present round already: a second click, answered and not refused.

    Where no step is named and the pending one is of a role that `who` holds too, it is meant for that one: segregation of
    duties refuses it.
    """
    mine = next((s for s in chain.steps if s.decided_by == who.sub and step in (None, s.number)), None)
    if mine is None or (_said(mine), mine.reason_code) != (decision, reason):
        return False
    pending = chain.pending if step is None and chain.is_open else None
    return pending is None or not who.holds(pending.role)


def _said(step: Step) -> Decision:
    """What the decided step's person said; one that was returned waits again."""
    return {StepStatus.APPROVED: Decision.APPROVE, StepStatus.REJECTED: Decision.REJECT}.get(
        step.status, Decision.RETURN
    )


def decide(
    chain: Chain,
    who: Principal,
    decision: Decision,
    now: datetime,
    *,
    step: int | None = None,
    reason: str | None = None,
    comment: str | None = None,
) -> Chain:
    """The chain after one decision. When it is `complete`, it is still to be executed before it is APPROVED."""
    require_reason(decision, reason)
    mine = authorise(chain, who, step)
    behalf = (
        mine.delegation.by
        if mine.delegation and mine.delegation.to == who.sub and mine.delegation.active(now)
        else None
    )
    done = replace(mine, decided_by=who.sub, decided_at=now, reason_code=reason, on_behalf_of=behalf, comment=comment)
    if decision is Decision.RETURN:
        back = replace(done, status=StepStatus.WAITING, delegation=None)
        return replace(chain.with_step(back), returned=True)
    if decision is Decision.REJECT:
        return replace(_skip(chain.with_step(replace(done, status=StepStatus.REJECTED))), status=ChangeStatus.REJECTED)
    chain = chain.with_step(replace(done, status=StepStatus.APPROVED))
    chain = _lapse_delegations(chain, {who.sub, behalf})
    following = next((s for s in chain.steps if s.status is StepStatus.WAITING), None)
    return chain if following is None else chain.with_step(following.begin(now))


def _skip(chain: Chain) -> Chain:
    open_ = {StepStatus.PENDING, StepStatus.WAITING}
    steps = tuple(replace(s, status=StepStatus.SKIPPED) if s.status in open_ else s for s in chain.steps)
    return replace(chain, steps=steps, returned=False)


def _lapse_delegations(chain: Chain, users: set[str | None]) -> Chain:
    """Who has decided can no longer give a later step away: his delegations of it end."""
    steps = tuple(
        replace(s, delegation=None) if s.decided_by is None and s.delegation and s.delegation.by in users else s
        for s in chain.steps
    )
    return replace(chain, steps=steps)


def delegate(chain: Chain, who: Principal, number: int, to: str, until: datetime | None, now: datetime) -> Chain:
    """Give a step that is pending or still to come to another person. Only who could decide it may give it away,

    or the fallback to whom it has been escalated; to oneself takes an earlier delegation back. Whether `to` holds the
    role is checked where people are known, and again when `to` decides. Raises as `authorise`, also where `to` could
    never decide (the submitter, who decided another step), and VALIDATION_FAILED for an `until` that is over.
    """
    if not chain.is_open:
        raise _closed(chain)
    step = _named(chain, number)
    fallback = step.escalated_at is not None and (who.sub == step.fallback or who.holds(step.fallback))
    if not who.holds(step.role) and not fallback:
        raise Refusal("FORBIDDEN", f"Step {number} is decided by {step.role}.", step=number, role=step.role)
    _segregate(chain, who.sub, step)
    if step.status not in {StepStatus.PENDING, StepStatus.WAITING}:
        raise Refusal("STEP_NOT_PENDING", f"Step {number} is {step.status}.", step=number)
    if until is not None and until <= now:
        raise Refusal("VALIDATION_FAILED", "until lies in the past.", errors=[_OVER])
    _segregate(chain, to, step)
    given = None if to == who.sub else Delegation(to, who.sub, until)
    return chain.with_step(replace(step, delegation=given))


def withdraw(chain: Chain, who: Principal) -> Chain:
    """The submitter takes the change back, also a failed one; not one that all have approved and that is carried out."""
    if not chain.is_open and chain.status is not ChangeStatus.FAILED:
        raise _closed(chain)
    if chain.is_open and chain.complete:
        raise Refusal("CHANGE_CLOSED", "All have approved the change; it is being carried out.")
    if who.sub != chain.submitted_by:
        raise Refusal("FORBIDDEN", "Only who submitted a change withdraws it.")
    return replace(_skip(chain), status=ChangeStatus.WITHDRAWN)


def require_resubmittable(chain: Chain, who: Principal) -> None:
    """Its submitter may begin a new round, where it was returned or could not be carried out."""
    if not chain.is_open and chain.status is not ChangeStatus.FAILED:
        raise _closed(chain)
    if who.sub != chain.submitted_by:
        raise Refusal("FORBIDDEN", "Only who submitted a change resubmits it.")
    if chain.status is ChangeStatus.PENDING_APPROVAL and not chain.returned:
        raise Refusal("STEP_NOT_PENDING", "The change was not returned: it is being decided.")


def resubmit(chain: Chain, who: Principal, plan: Iterable[PlannedStep], now: datetime) -> Chain:
    """A new round of a returned or failed change. Nobody's earlier decision counts."""
    require_resubmittable(chain, who)
    return open_chain(chain.submitted_by, plan, now, round_=chain.round + 1)


def executed(chain: Chain) -> Chain:
    """The approved change has been carried out."""
    return replace(_approved(chain), status=ChangeStatus.APPROVED)


def failed(chain: Chain) -> Chain:
    """The approved change could not be carried out: someone has to re-base or withdraw it."""
    return replace(_approved(chain), status=ChangeStatus.FAILED)


def _approved(chain: Chain) -> Chain:
    if not chain.is_open or not chain.complete:
        raise AssertionError("only a completely approved change is carried out")
    return chain
