"""What people do to an open change: decide, withdraw, delegate, as with whatever is under approval; and resubmit. One
transaction each."""

from dataclasses import replace

from models.answers import WarningAnswer
from models.approvals import chain as chain_rules
from models.approvals.requests import DelegateStep, KeptDecision, WithdrawChange
from models.customers.bodies import CreateCustomer
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change
from models.customers.patch import PatchCustomer
from models.customers.requests import ResubmitChange
from models.db.approvals import people
from models.db.customers import changes
from models.errors import FieldError, Refusal
from operations import carried
from operations.approvals import acts
from operations.approvals.state import state_of
from operations.customers.execution import CHANGES
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
from operations.customers.visibility import require_cover
from operations.runner import operation
from operations.work import Outcome, Work


@operation("change.decide", KeptDecision, ChangeAnswer, carried.Change("decide"))
def decide_change(work: Work, asked: KeptDecision) -> Outcome[ChangeAnswer]:
    """Approve, reject or return the step. With the last approval the change is executed (operations/.../execution.py)."""
    after, replayed = acts.decide(work, CHANGES, asked)
    return replace(_answer(work, after), replayed=replayed)


@operation("change.withdraw", WithdrawChange, ChangeAnswer, carried.Change("withdraw"))
def withdraw_change(work: Work, asked: WithdrawChange) -> Outcome[ChangeAnswer]:
    """The submitter takes the change back; a failed one too."""
    return _answer(work, acts.withdraw(work, CHANGES, asked))


@operation("change.delegate", DelegateStep, ChangeAnswer, carried.Change("delegate"))
def delegate_step(work: Work, asked: DelegateStep) -> Outcome[ChangeAnswer]:
    """Give a step to another person who holds its role; one who is out of office passes it on to the stand-in."""
    after = acts.delegate(work, CHANGES, asked)
    given = after.chain.steps[asked.step - 1].delegation
    if given is not None and people.person(work.tx, given.to) is None:
        unknown = WarningAnswer(
            code="DELEGATE_UNKNOWN", detail=f"Nobody has signed in as {given.to} yet: is the id right?"
        )
        after = replace(after, warnings=[*after.warnings, unknown])
    return _answer(work, after)


@operation("change.resubmit", ResubmitChange, ChangeAnswer, carried.Change("resubmit"))
def resubmit_change(work: Work, asked: ResubmitChange) -> Outcome[ChangeAnswer]:
    """A new round of a returned or failed change: as corrected, or what was asked, re-based on the customer as it is."""
    tx, before = work.tx, acts.opened(work, CHANGES)
    # First whether it may be at all, under whatever plan: nothing else is looked at for one who may not.
    chain_rules.require_resubmittable(before.chain, acts.principal(work))
    if before.request is None:
        raise Refusal("CHANGE_CLOSED", "The change has been erased.")
    corrected = asked.customer or asked.patch
    request = before.request if corrected is None else corrected.dump()
    changes.release(tx, before.id)
    proposal = _proposed_again(work, before, asked)
    require_cover(work, proposal.concerns)
    claim_keys(tx, before.id, proposal, work.cmd.entities)
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
    acts.settled(work, CHANGES, before.id, "RESUBMITTED")
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
