"""What people do to an open change: decide, withdraw, delegate, as with whatever is under approval; and resubmit. One
transaction each."""

from dataclasses import replace

from models.approvals import chain as chain_rules
from models.customers.bodies import CreateCustomer
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change
from models.customers.patch import PatchCustomer
from models.customers.requests import ResubmitChange
from models.db.customers import changes
from models.errors import FieldError, Refusal
from operations import execution
from operations.approvals import acts
from operations.customers.execution import CHANGES
from operations.customers.proposals import (
    Proposal,
    approvals_needed,
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

acts.acts_of(CHANGES, ChangeAnswer, change_answer, execution.Change)


@operation("change.resubmit", ResubmitChange, ChangeAnswer, execution.Change("resubmit"))
def resubmit_change(work: Work, asked: ResubmitChange) -> Outcome[ChangeAnswer]:
    """A new round of a returned or failed change: as corrected, or what was asked, re-based on the customer as it is."""
    tx, before = work.tx, acts.opened(work, CHANGES)
    # First whether it may be at all, under whatever plan: nothing else is looked at for one who may not.
    who = acts.principal(work)
    chain_rules.require_resubmittable(before.chain, who)
    if before.request is None:
        raise Refusal("CHANGE_CLOSED", "The change has been erased.")
    corrected = asked.customer or asked.patch
    request = before.request if corrected is None else corrected.dump()
    changes.release(tx, before.id)
    proposal = _proposed_again(work, before, asked)
    require_cover(work, proposal.concerns)
    claim_keys(tx, before.id, proposal, work.cmd.entities)
    chain = chain_rules.resubmit(before.chain, who, approvals_needed(tx, proposal), work.now)
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
    return acts.answered(work, change_answer, after)


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
