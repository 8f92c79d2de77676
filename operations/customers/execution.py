"""Customer changes as a family of approvals. Carried out, they are validated again, and never go silently over another's
change: one that can no longer be carried out becomes FAILED, for its submitter to re-base or withdraw."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from models.answers import WarningAnswer
from models.customers import diff as diffs
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.change_records import Change, ChangeOperation
from models.customers.record import check
from models.db.approvals import people
from models.db.customers import changes
from models.db.customers import customers as store
from models.db.tx import Tx
from models.errors import Refusal
from models.facts import Facts
from operations.approvals.execution import approved_by
from operations.approvals.families import FAMILIES, Family, Store
from operations.customers.erasure import erase
from operations.customers.paying import check_paying
from operations.customers.proposals import refuse_taken
from operations.customers.references import check_references
from operations.customers.submission import refuse_with_transactions
from operations.work import Work

_EVENT: Final = {
    "create": "customer.created",
    "update": "customer.updated",
    "deactivate": "customer.deactivated",
    "reactivate": "customer.updated",
    "delete": "customer.deleted",
}


def _record_execution(work: Work, change: Change, version: int | None) -> None:
    event = _EVENT[change.operation]
    said: Facts = {"change_id": change.id, "operation": change.operation, "version": version}
    work.audit(change.id, "customer.change.executed", said)
    people_behind: Facts = {
        "submitted_by": change.chain.submitted_by,
        "submitted_at": change.submitted_at,
        "approved": approved_by(change),
    }
    whole: Facts = {**said, **people_behind, "diff": change.diff}
    work.audit(change.customer_id, event, whole, reason_code=change.reason_code)
    ids: Facts = {"customer_id": change.customer_id, "change_id": change.id, "version": version}
    work.emit(event, change.customer_id, ids)


def _create(tx: Tx, change: Change) -> int:
    customer = diffs.applied(None, change.diff or [])
    check_references(tx, None, customer)
    check_paying(tx, change.customer_id, None, customer)
    refuse_taken(tx, change.customer_id, customer, change.entities)
    store.insert(tx, {change.customer_id: customer})
    return 1


def _update(tx: Tx, change: Change) -> int:
    changed = change.diff or []
    before = store.load(tx, change.customer_id, lock=True)
    if before is None:
        raise _deleted_meanwhile()
    moved = diffs.moved(before.details, changed)
    if moved:
        raise Refusal("RECORD_MOVED", "The record has changed where this change touches it.", paths=moved)
    after = diffs.applied(before.details, changed)
    check(after)
    check_references(tx, before.details, after)
    check_paying(tx, change.customer_id, before.details, after)
    refuse_taken(tx, change.customer_id, after, change.entities)
    return store.update(tx, before, after)


def _delete(tx: Tx, change: Change) -> int:
    before = store.load(tx, change.customer_id, lock=True)
    if before is None:
        raise _deleted_meanwhile()
    refuse_with_transactions(tx, change.customer_id, force=change.force)
    return before.version + 1


def _deleted_meanwhile() -> Refusal:
    return Refusal("CUSTOMER_NOT_FOUND", "The customer was deleted meanwhile.")


_CARRY_OUT: Final[dict[ChangeOperation, Callable[[Tx, Change], int]]] = {
    "create": _create,
    "update": _update,
    "deactivate": _update,
    "reactivate": _update,
    "delete": _delete,
}


class CustomerChanges(Family[Change]):
    """Changes of customers."""

    store: Store[Change] = changes
    word, noun = "customer.change", "change"
    decided = "customer.change.decided"
    reminded = "customer.change.reminded"
    escalated = "customer.change.escalated"

    def ids(self, one: Change) -> Facts:
        return {"change_id": one.id, "customer_id": one.customer_id}

    def may_be_at_once(self, one: Change) -> bool:
        """Not a deletion: it ends other processes, and takes the histories along."""
        return one.operation != "delete"

    def carry_out(self, tx: Tx, one: Change, request_id: str) -> int:
        """The customer's version from now on."""
        return _CARRY_OUT[one.operation](tx, one)

    def record_execution(self, work: Work, one: Change, effect: int | None) -> None:
        _record_execution(work, one, effect)

    def afterwards(self, work: Work, one: Change) -> list[str]:
        return erase(work, one) if one.operation == "delete" else []

    def answer(self, one: Change) -> ChangeAnswer:
        return change_answer(one)

    def delegated(self, work: Work, one: Change, step: int) -> Change:
        """With a warning where nobody has signed in under that id."""
        given = one.chain.steps[step - 1].delegation
        if given is None or people.person(work.tx, given.to) is not None:
            return one
        detail = f"Nobody has signed in as {given.to} yet: is the id right?"
        return replace(one, warnings=[*one.warnings, WarningAnswer(code="DELEGATE_UNKNOWN", detail=detail)])


CHANGES: Final = CustomerChanges()
FAMILIES["chg"] = CHANGES
