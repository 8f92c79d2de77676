"""Submitting a change: create, update, deactivate, reactivate, delete. Nothing of the customer is touched yet.

What is asked is validated against the customer as it is now, kept with its diff, warnings and chain of steps, and
validated again when it is executed.
"""

from pydantic import JsonValue

from models.answers import JsonObject
from models.approvals.chain import open_chain
from models.customers.bodies import CreateCustomer
from models.customers.change_answers import SubmittedChangeAnswer, submitted_answer
from models.customers.change_records import Change
from models.customers.requests import DeleteCustomer, DeleteMode, UpdateCustomer
from models.db.approvals import people
from models.db.customers import change_lists, changes, claims
from models.db.customers import customers as store
from models.db.tx import Tx
from models.errors import Refusal
from models.facts import Facts
from models.ids import new_id
from models.messages.changes import change_of
from models.values import Empty
from operations import execution
from operations.approvals.state import state_of
from operations.customers.policies import policy_of
from operations.customers.proposals import (
    Proposal,
    approvals_needed,
    claim_keys,
    propose_create,
    propose_deactivation,
    propose_deletion,
    propose_reactivation,
    propose_update,
    taken,
    warnings_of,
)
from operations.customers.visibility import require_cover
from operations.external_ids import refuse_another
from operations.runner import operation
from operations.work import Outcome, Work


@operation("customer.create", CreateCustomer, SubmittedChangeAnswer, execution.Change("submitted"))
def submit_create(work: Work, asked: CreateCustomer) -> Outcome[SubmittedChangeAnswer]:
    """202 with the change, or the change that holds the external id already."""
    if asked.external_id is not None:
        claims.wait_for_external_id(work.tx, asked.external_id)
        known = change_lists.by_external_id(work.tx, asked.external_id)
        if known is not None:
            return _submitted_before(work, asked, known)
        _refuse_without_change(work, asked.external_id)
    work.require_entity(asked.legal_entity_id)
    customer_id = work.cmd.resource_id or new_id("cust")
    return _submit(work, propose_create(work, asked, customer_id), asked.dump())


@operation("customer.update", UpdateCustomer, SubmittedChangeAnswer, execution.Change("submitted"))
def submit_update(work: Work, asked: UpdateCustomer) -> Outcome[SubmittedChangeAnswer]:
    """202 with the change."""
    return _submit(work, propose_update(work, _customer(work), asked.patch, asked.if_match), asked.patch.dump())


@operation("customer.deactivate", DeleteCustomer, SubmittedChangeAnswer, execution.Change("submitted"))
def submit_deactivate(work: Work, asked: DeleteCustomer) -> Outcome[SubmittedChangeAnswer]:
    """202 with the change."""
    return _submit(work, propose_deactivation(work, _customer(work)), work.cmd.body, asked)


@operation("customer.reactivate", Empty, SubmittedChangeAnswer, execution.Change("submitted"))
def submit_reactivate(work: Work, _: Empty) -> Outcome[SubmittedChangeAnswer]:
    """202 with the change."""
    return _submit(work, propose_reactivation(work, _customer(work)), {})


@operation("customer.delete", DeleteCustomer, SubmittedChangeAnswer, execution.Change("submitted"))
def submit_delete(work: Work, asked: DeleteCustomer) -> Outcome[SubmittedChangeAnswer]:
    """A hard delete: refused where the customer has transactions, unless policy and request force it."""
    proposal = propose_deletion(work, _customer(work))
    require_cover(work, proposal.concerns)
    refuse_with_transactions(work.tx, proposal.customer_id, force=asked.force)
    if asked.reason_code is None:
        raise Refusal("REASON_REQUIRED", "An erasure cannot be taken back: say why, in reason_code.")
    return _submit(work, proposal, work.cmd.body, asked)


def _customer(work: Work) -> str:
    return str(work.cmd.resource_id)


def refuse_with_transactions(tx: Tx, customer_id: str, *, force: bool) -> None:
    """HAS_TRANSACTIONS, unless the deletion is forced and the policy lets it be."""
    if store.has_transactions(tx, customer_id) and not (force and policy_of(tx).force_delete):
        raise Refusal("HAS_TRANSACTIONS", "The customer has invoices, payments or credit notes: deactivate it instead.")


def _submit(
    work: Work, p: Proposal, request: JsonObject, ending: DeleteCustomer | None = None
) -> Outcome[SubmittedChangeAnswer]:
    tx, cmd = work.tx, work.cmd
    require_cover(work, p.concerns)
    people.seen(tx, cmd.actor, cmd.roles, cmd.entities)
    change_id = change_of(str(cmd.workflow_id))
    claim_keys(tx, change_id, p, cmd.entities)
    change = Change(
        id=change_id,
        operation=p.operation,
        customer_id=p.customer_id,
        legal_entity_id=p.after.legal_entity_id,
        entities=p.concerns,
        external_id=p.external_id,
        mode={"deactivate": DeleteMode.SOFT, "delete": DeleteMode.HARD}.get(p.operation),
        force=ending is not None and ending.force,
        reason_code=None if ending is None else ending.reason_code,
        submitted_at=work.now,
        command_id=cmd.id,
        workflow_id=cmd.workflow_id or "",
        body_hash=cmd.body_hash,
        base_version=p.version,
        request=request,
        diff=p.diff,
        warnings=warnings_of(tx, p, given_reason=ending is None or ending.reason_code is not None),
        chain=open_chain(cmd.actor, approvals_needed(work.tx, p), work.now),
    )
    for table, rows in changes.rows_of(change).items():
        work.add(table, rows)
    said: Facts = {"operation": p.operation, "customer_id": p.customer_id, "diff": p.diff, "warnings": change.warnings}
    work.audit(change.id, "customer.change.submitted", said, reason_code=change.reason_code)
    ids = {"change_id": change.id, "customer_id": p.customer_id, "operation": p.operation}
    work.emit("customer.change.submitted", change.id, ids)
    return Outcome(_submitted(change), 202, aside=state_of(change, work.now))


def _submitted(c: Change) -> SubmittedChangeAnswer:
    return submitted_answer(c.id, c.workflow_id, c.customer_id, status=c.chain.status, warnings=c.warnings)


def _refuse_without_change(work: Work, external_id: str) -> None:
    """EXTERNAL_ID_CONFLICT where a customer has it who was imported or bootstrapped: there is no change to answer with."""
    holder = claims.taken_by(work.tx, "external_id", external_id)
    if holder is not None:
        raise taken(work.tx, "external_id", holder, work.cmd.entities)


def _submitted_before(work: Work, asked: CreateCustomer, known: Change) -> Outcome[SubmittedChangeAnswer]:
    """The change that holds the external id, where it asks for the same; EXTERNAL_ID_CONFLICT naming the fields otherwise."""
    work.require_entity(known.legal_entity_id)
    change_lists.note_customer(work.tx, work.cmd.id, known.customer_id)
    fields = _differing(CreateCustomer.model_validate(known.request), asked)
    refuse_another(f"customer {known.customer_id}", fields, known.customer_id)
    return Outcome(_submitted(known), 202, replayed=True)


def _differing(first: CreateCustomer, second: CreateCustomer) -> list[str]:
    one, two = (b.model_dump(mode="json") for b in (first, second))
    return sorted(f for f in one if one[f] != two[f] and not (_is_nothing(one[f]) and _is_nothing(two[f])))


def _is_nothing(value: JsonValue) -> bool:
    return value in (None, {}, [])
