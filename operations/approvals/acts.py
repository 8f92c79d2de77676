"""What people do to whatever is under approval: decide, withdraw, delegate. Each is an operation of its family's.

The chain's rule says who may; what is known only here (the delegate's role, the token of a signal) is checked here.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from models.access import Principal, with_included
from models.approvals import chain as rules
from models.approvals.chain import Chain, ChangeStatus, Step
from models.approvals.records import StepDecision, UnderApproval
from models.approvals.requests import DelegateStep, KeptDecision, WithdrawChange
from models.db.approvals import people
from models.db.exceptions import resolve_about
from models.errors import FieldError, Refusal
from models.facts import Facts
from models.ids import new_id
from operations.approvals.execution import at_once
from operations.approvals.families import Family
from operations.approvals.staffing import MISSING, UNSTAFFED
from operations.approvals.state import state_of
from operations.execution import Execution
from operations.runner import operation
from operations.work import Outcome, Work

T = TypeVar("T", bound=UnderApproval)
A = TypeVar("A")


def principal(work: Work) -> Principal:
    """The person behind the command, as the verified token said."""
    return Principal(work.cmd.actor, work.tx.org_id, frozenset(work.cmd.roles), work.cmd.entities)


def opened(work: Work, family: Family[T]) -> T:
    """What the command is about, locked; its caller's roles are noted."""
    one = family.store.get(work.tx, str(work.cmd.resource_id), lock=True)
    family.require_cover(one, work.cmd.entities)
    people.seen(work.tx, work.cmd.actor, work.cmd.roles, work.cmd.entities)
    return one


def acts_of(
    family: Family[T], answers: type[A], answer: Callable[[T], A], by: Callable[[str], Execution]
) -> None:  # fmt: skip
    """Register what people do to whatever is of this family, as operations that are executed as it says of each."""
    noun = family.noun
    operation(f"{noun}.decide", KeptDecision, answers, by("decide"))(partial(decide, family, answer))
    operation(f"{noun}.withdraw", WithdrawChange, answers, by("withdraw"))(partial(withdraw, family, answer))
    operation(f"{noun}.delegate", DelegateStep, answers, by("delegate"))(partial(delegate, family, answer))


def answered(work: Work, answer: Callable[[T], A], one: T, *, replayed: bool = False) -> Outcome[A]:
    """What whoever acts on it is answered; beside that, for its process, where it stands."""
    return Outcome(answer(one), replayed=replayed, aside=state_of(one, work.now))


def decide(family: Family[T], answer: Callable[[T], A], work: Work, asked: KeptDecision) -> Outcome[A]:
    """Approve, reject or return the step; what the last approval allows is carried out with it. Again by its person: as it
    stands."""
    before, who = opened(work, family), principal(work)
    family.may(asked.decision)
    step = None if asked.step is None else family.own_step(asked.step)
    wanted, reason = asked.decision, asked.reason_code
    if asked.token_id is None and rules.repeats(before.chain, who, wanted, step=step, reason=reason):
        return answered(work, answer, before, replayed=True)
    family.must_be_open(before)
    if asked.token_id is not None:
        _use_token(work, asked.token_id, asked.round, before)
    try:
        chain = rules.decide(before.chain, who, wanted, work.now, step=step, reason=reason, comment=asked.comment)
    except Refusal as no:
        raise family.refusal(no) from None
    return answered(work, answer, _decided(work, family, before, chain, asked))


def _decided(work: Work, family: Family[T], before: T, chain: Chain, asked: KeptDecision) -> T:
    """The decision kept and told, and done what follows from it."""
    pairs = zip(chain.steps, before.chain.steps, strict=True)
    mine = next(step for step, old in pairs if step.decided_at != old.decided_at)
    decision = _decision(work, before, asked, mine)
    family.store.add_decision(work.tx, before.id, decision)
    done = at_once(work, family, before.decided(chain, work.now, decision))
    family.store.save(work.tx, before, done.one)
    after = family.over(work, done.one) if chain.status is ChangeStatus.REJECTED else done.one
    if chain.returned:
        work.open_exception(
            f"{family.noun}_returned", str(asked.reason_code), before.id, owner_user=before.chain.submitted_by,
            legal_entity_id=before.legal_entity_id, detail={**family.ids(before), "step": mine.number},
        )  # fmt: skip
    if (done.one.chain.complete or not done.one.chain.is_open) and any(w.code == MISSING for w in before.warnings):
        resolve_about(work.tx, UNSTAFFED, before.id, work.cmd.actor, "DECIDED")
    if mine.reminded_at or mine.escalated_at:
        resolve_about(work.tx, family.overdue, before.id, work.cmd.actor, "DECIDED")
    _say_decided(work, family, before, decision, mine)
    if done.work is not None:
        work.take(done.work)
    return after


def _use_token(work: Work, token_id: str, round_: int | None, one: UnderApproval) -> None:
    """Use the token up with the decision."""
    if round_ != one.chain.round:
        raise Refusal("APPROVAL_TOKEN_INVALID", "The token is of an earlier round.")
    if not people.use_token(work.tx, token_id):
        raise Refusal("APPROVAL_TOKEN_INVALID", "The token has been used.")


def _decision(work: Work, one: UnderApproval, asked: KeptDecision, step: Step) -> StepDecision:
    return StepDecision(
        id=new_id("dec"),
        round=one.chain.round,
        step=step.number,
        role=step.role,
        decision=asked.decision,
        decided_by=work.cmd.actor,
        on_behalf_of=step.on_behalf_of,
        reason_code=asked.reason_code,
        comment=asked.comment,
        channel=asked.channel,
        decided_at=work.now,
    )


def _say_decided(work: Work, family: Family[T], one: T, d: StepDecision, step: Step) -> None:
    number = family.shown_step(d.step)
    payload: Facts = {
        "round": d.round,
        "step": number,
        "role": d.role,
        "decision": d.decision.value,
        "decided_by": d.decided_by,
        "on_behalf_of": d.on_behalf_of,
        "reason_code": d.reason_code,
        "comment": d.comment,
        "channel": d.channel,
        "decided_at": d.decided_at,
        "step_started_at": step.started_at,
    }
    work.audit(one.id, family.decided, payload, reason_code=d.reason_code)
    work.emit(family.decided, one.id, {**family.ids(one), "step": number, "decision": d.decision.value})


def withdraw(family: Family[T], answer: Callable[[T], A], work: Work, asked: WithdrawChange) -> Outcome[A]:
    """The submitter takes it back; also what could not be carried out."""
    before = opened(work, family)
    family.must_be_open(before)
    after = before.moved_to(rules.withdraw(before.chain, principal(work)), work.now)
    family.store.save(work.tx, before, after)
    after = family.over(work, after)
    settled(work, family, before.id, "WITHDRAWN", family.overdue, UNSTAFFED)
    payload = {"before": before.chain.status}
    work.audit(before.id, f"{family.word}.withdrawn", payload, reason_code=asked.reason_code)
    return answered(work, answer, after)


def settled(work: Work, family: Family[T], approval_id: str, how: str, *kinds: str) -> None:
    """Nobody need look at it any more: what lay on a desk because it failed or was returned, and of these kinds."""
    for kind in (*kinds, f"{family.noun}_failed", f"{family.noun}_returned"):
        resolve_about(work.tx, kind, approval_id, work.cmd.actor, how)


def delegate(family: Family[T], answer: Callable[[T], A], work: Work, asked: DelegateStep) -> Outcome[A]:
    """Give a step to another person who holds its role; one who is out of office passes it on to the stand-in."""
    before, until = opened(work, family), asked.until_moment
    family.must_be_open(before)
    to, step = people.stand_in(work.tx, asked.to_user_id, work.now), family.own_step(asked.step)
    try:
        chain = rules.delegate(before.chain, principal(work), step, to, until, work.now)
    except Refusal as no:
        raise family.refusal(no) from None
    require_role(work, to, chain.steps[step - 1].role)
    after = before.moved_to(chain, work.now)
    family.store.save(work.tx, before, after)
    payload: Facts = {"step": asked.step, "to": to, "asked_for": asked.to_user_id, "until": until}
    work.audit(before.id, f"{family.word}.delegated", payload)
    return answered(work, answer, family.delegated(work, after, step))


def require_role(work: Work, user: str, role: str) -> None:
    """Raises DELEGATE_LACKS_ROLE where the person is known not to hold the role."""
    known = people.person(work.tx, user)
    if known is not None and role not in with_included(known.roles):
        detail = f"{user} does not hold the role {role}."
        errors = [FieldError("/to_user_id", "DELEGATE_LACKS_ROLE", detail)]
        raise Refusal("DELEGATE_LACKS_ROLE", detail, errors=errors, role=role)
