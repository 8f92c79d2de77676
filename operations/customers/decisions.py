"""What people do to an open change: decide, withdraw, delegate, resubmit. One transaction each.

The chain's rule says who may; what is known only here (the delegate's role, the token of a signal) is checked here.
"""

from dataclasses import replace

from models.access import Principal, with_included
from models.customers import approval
from models.customers.approval import Step, repeats
from models.customers.approval_policy import ApprovalPolicy, plan
from models.customers.bodies import CreateCustomer
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change, ChangeDecision
from models.customers.patch import PatchCustomer
from models.customers.requests import DelegateStep, KeptDecision, ResubmitChange, WithdrawChange
from models.db.customers import changes, people
from models.db.exceptions import resolve_about
from models.errors import FieldError, Refusal
from models.ids import new_id
from operations import carried
from operations.customers.approval_tokens import consume
from operations.customers.execution import at_once
from operations.customers.proposals import (
    Proposal,
    approvers,
    claim_keys,
    propose_create,
    propose_deactivation,
    propose_deletion,
    propose_reactivation,
    propose_update,
    warnings_of,
)
from operations.customers.state import state_of
from operations.customers.visibility import require_change, require_cover
from operations.runner import operation
from operations.work import Outcome, Work


def principal(work: Work) -> Principal:
    """The person behind the command, as the verified token said."""
    return Principal(work.cmd.actor, work.tx.org_id, frozenset(work.cmd.roles), work.cmd.entities)


def _open(work: Work) -> Change:
    """The change, locked; its caller's roles are noted."""
    change = changes.get(work.tx, str(work.cmd.resource_id), lock=True)
    require_change(change, work.cmd.entities)
    people.seen(work.tx, work.cmd.actor, work.cmd.roles, work.cmd.entities)
    return change


@operation("change.decide", KeptDecision, ChangeAnswer, carried.Change("decide"))
def decide_change(work: Work, asked: KeptDecision) -> Outcome[ChangeAnswer]:
    """Approve, reject or return the step. With the last approval the change is executed (operations/.../execution.py)."""
    before, who = _open(work), principal(work)
    if asked.token_id is None and repeats(before.chain, who, asked.decision, step=asked.step, reason=asked.reason_code):
        return replace(_answer(work, before), replayed=True)
    if asked.token_id is not None:
        if asked.round != before.chain.round:
            raise Refusal("APPROVAL_TOKEN_INVALID", "The token is of an earlier round.")
        consume(work, asked.token_id)
    chain = approval.decide(
        before.chain, who, asked.decision, work.now, step=asked.step, reason=asked.reason_code, comment=asked.comment
    )
    pairs = zip(chain.steps, before.chain.steps, strict=True)
    mine = next(step for step, old in pairs if step.decided_at != old.decided_at)
    decision = _decision(work, before, asked, mine)
    changes.add_decision(work.tx, decision)
    decided = replace(before.moved_to(chain, work.now), decisions=(*before.decisions, decision))
    done = at_once(work, decided)
    changes.save(work.tx, before, done.change)
    if chain.returned:
        work.open_exception(
            "change_returned", str(asked.reason_code), before.id, owner_user=before.chain.submitted_by,
            legal_entity_id=before.legal_entity_id,
            detail={"change_id": before.id, "customer_id": before.customer_id, "step": mine.number},
        )  # fmt: skip
    if mine.reminded_at or mine.escalated_at:
        resolve_about(work.tx, "approval_overdue", before.id, work.cmd.actor, "DECIDED")
    _say_decided(work, before, decision, mine)
    if done.said is not None:
        work.take(done.said)
    return _answer(work, done.change)


def _decision(work: Work, change: Change, asked: KeptDecision, step: Step) -> ChangeDecision:
    return ChangeDecision(
        id=new_id("dec"),
        change_id=change.id,
        round=change.chain.round,
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


def _say_decided(work: Work, change: Change, d: ChangeDecision, step: Step) -> None:
    said = {
        "round": d.round,
        "step": d.step,
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
    work.audit(change.id, "customer.change.decided", said, reason_code=d.reason_code)
    ids = {"change_id": change.id, "customer_id": change.customer_id, "step": d.step, "decision": d.decision.value}
    work.emit("customer.change.decided", change.id, ids)


@operation("change.withdraw", WithdrawChange, ChangeAnswer, carried.Change("withdraw"))
def withdraw_change(work: Work, asked: WithdrawChange) -> Outcome[ChangeAnswer]:
    """The submitter takes the change back; a failed one too."""
    before = _open(work)
    after = before.moved_to(approval.withdraw(before.chain, principal(work)), work.now)
    changes.save(work.tx, before, after)
    for kind in ("approval_overdue", "change_failed", "change_returned"):
        resolve_about(work.tx, kind, before.id, work.cmd.actor, "WITHDRAWN")
    said = {"before": before.chain.status}
    work.audit(before.id, "customer.change.withdrawn", said, reason_code=asked.reason_code)
    return _answer(work, after)


@operation("change.delegate", DelegateStep, ChangeAnswer, carried.Change("delegate"))
def delegate_step(work: Work, asked: DelegateStep) -> Outcome[ChangeAnswer]:
    """Give a step to another person who holds its role; one who is out of office passes it on to the stand-in."""
    before, until = _open(work), asked.until_moment
    to = people.stand_in(work.tx, asked.to_user_id, work.now)
    chain = approval.delegate(before.chain, principal(work), asked.step, to, until, work.now)
    role = chain.steps[asked.step - 1].role
    known = people.person(work.tx, to)
    if known is not None and role not in with_included(known.roles):
        detail = f"{to} does not hold the role {role}."
        errors = [FieldError("/to_user_id", "DELEGATE_LACKS_ROLE", detail)]
        raise Refusal("DELEGATE_LACKS_ROLE", detail, errors=errors, role=role)
    after = before.moved_to(chain, work.now)
    changes.save(work.tx, before, after)
    said = {"step": asked.step, "to": to, "asked_for": asked.to_user_id, "until": until}
    work.audit(before.id, "customer.change.delegated", said)
    return _answer(work, after)


@operation("change.resubmit", ResubmitChange, ChangeAnswer, carried.Change("resubmit"))
def resubmit_change(work: Work, asked: ResubmitChange) -> Outcome[ChangeAnswer]:
    """A new round of a returned or failed change: as corrected, or what was asked, re-based on the customer as it is."""
    tx, before = work.tx, _open(work)
    # First whether it may be at all, under whatever plan: nothing else is looked at for one who may not.
    approval.resubmit(before.chain, principal(work), plan(ApprovalPolicy(), before.operation), work.now)
    if before.request is None:
        raise Refusal("CHANGE_CLOSED", "The change has been erased.")
    corrected = asked.customer or asked.patch
    request = before.request if corrected is None else corrected.dump()
    changes.release(tx, before.id)
    proposal = _proposed_again(work, before, asked)
    require_cover(work, proposal.concerns)
    claim_keys(tx, before.id, proposal)
    chain = approvers(work, proposal, before.chain.submitted_by, before.chain.round + 1)
    after = replace(
        before.moved_to(chain, work.now),
        request=request,
        diff=proposal.diff,
        warnings=warnings_of(tx, proposal),
        entities=proposal.concerns,
        external_id=proposal.external_id,
        base_version=proposal.version,
        failure_code=None,
        failure_detail=None,
    )
    changes.save(tx, before, after)
    for kind in ("change_failed", "change_returned"):
        resolve_about(tx, kind, before.id, work.cmd.actor, "RESUBMITTED")
    said = {"round": chain.round, "diff": after.diff, "warnings": after.warnings}
    work.audit(before.id, "customer.change.resubmitted", said)
    return _answer(work, after)


def _proposed_again(work: Work, change: Change, asked: ResubmitChange) -> Proposal:
    """What was asked, or its correction, on the customer as it is now."""
    if change.operation == "create":
        if asked.patch is not None:
            raise _does_not_fit("/patch", "customer", "create")
        return propose_create(work, asked.customer or CreateCustomer.model_validate(change.request), change.customer_id)
    if change.operation == "update":
        if asked.customer is not None:
            raise _does_not_fit("/customer", "patch", "update")
        return propose_update(work, change.customer_id, asked.patch or PatchCustomer.model_validate(change.request))
    again = {"deactivate": propose_deactivation, "reactivate": propose_reactivation, "delete": propose_deletion}
    return again[change.operation](work, change.customer_id)


def _does_not_fit(loc: str, field: str, operation: str) -> Refusal:
    detail = f"The change is of the operation {operation}: give {field}."
    return Refusal("VALIDATION_FAILED", detail, errors=[FieldError(loc, "FIELD_INVALID", detail)])


def _answer(work: Work, change: Change) -> Outcome[ChangeAnswer]:
    return Outcome(change_answer(change), aside=state_of(change, work.now))
