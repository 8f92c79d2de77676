"""Carrying out an approved change: exactly once, validated again, never silently over another's change.

It is done with the last approval, in its transaction; a deletion, and what could not be done there (a fault, a race
lost), in a step of the process of its own. A change that can no longer be carried out becomes FAILED, with an exception
for its submitter: re-base or withdraw.
"""

from collections.abc import Callable, Mapping
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine

from models.approvals.chain import Chain, executed, failed
from models.approvals.records import StepDecision
from models.customers import diff as diffs
from models.customers.change_answers import change_answer
from models.customers.change_records import Change, ChangeOperation
from models.customers.record import check
from models.db.attempts import attempts
from models.db.customers import change_lists, changes
from models.db.customers import customers as store
from models.db.engine import transaction
from models.db.tx import Tx, to_json
from models.errors import Refusal
from operations.approvals.families import FAMILIES, AtOnce, Family, system_work
from operations.customers.erasure import erase
from operations.customers.paying import check_paying
from operations.customers.proposals import refuse_taken
from operations.customers.references import check_references
from operations.customers.submission import refuse_with_transactions
from operations.work import Work

SYSTEM: Final = "arflow"
log = structlog.get_logger("arflow.changes")
_GIVEN_UP: Final = (
    "It failed again and again; the worker's log names the fault. Re-base it once that is mended, or withdraw."
)
_EVENT: Final = {
    "create": "customer.created",
    "update": "customer.updated",
    "deactivate": "customer.deactivated",
    "reactivate": "customer.updated",
    "delete": "customer.deleted",
}


def _at_once(work: Work, decided: Change) -> AtOnce[Change]:
    """Carry the change out with the decision that completed its chain; the change as it is where there is nothing to do.

    What the rules refuse makes it FAILED, beside the decision, which stands. A fault takes back what was begun and no more:
    the decision stands and the process carries the change out in its next step.
    """
    if not decided.is_approved or decided.operation == "delete":
        return AtOnce(decided)
    tx, said = work.tx, system_work(work.tx, decided, "change.execute", work.cmd.request_id)
    try:
        with tx.savepoint("carried_out"):
            version = _CARRY_OUT[decided.operation](tx, decided)
    except Refusal as refusal:
        return AtOnce(_failed(said, decided, refusal), said)
    except Exception as fault:
        log.warning("left to the process", change_id=decided.id, error=type(fault).__name__)
        return AtOnce(decided)
    _say_executed(said, decided, version)
    return AtOnce(decided.moved_to(executed(decided.chain), work.now), said)


def execute_change(engine: Engine, org_id: str, change_id: str, *, last_try: bool = False) -> list[str]:
    """Carry the change out if it is approved and has not been; the other processes to tell that they are over.

    Repeating it does nothing. What the rules refuse, or the database for good, is recorded as FAILED and not raised; with
    `last_try` any other fault too, unless it is one that passes (the database is away, a lock is held).
    """
    try:
        for attempt in attempts(engine, org_id):
            with attempt as tx:
                closed = _execute(tx, change_id)
    except Refusal as refusal:
        return _fail(engine, org_id, change_id, refusal)
    except Exception as fault:
        if not last_try or isinstance(fault, psycopg.Error):
            raise
        log.exception("given up", change_id=change_id)
        return _fail(engine, org_id, change_id, Refusal("NOT_CARRIED_OUT", _GIVEN_UP))
    return closed


def _execute(tx: Tx, change_id: str) -> list[str]:
    change = changes.get(tx, change_id, lock=True)
    if not change.is_approved:
        return []
    last = change_lists.last_decision(tx, change_id)
    work = system_work(tx, change, "change.execute", last and last[1])
    version = _CARRY_OUT[change.operation](tx, change)
    changes.save(tx, change, change.moved_to(executed(change.chain), tx.now))
    _say_executed(work, change, version)
    work.flush()
    over = erase(work, change) if change.operation == "delete" else []
    _answer_last(tx, change_id, last)
    return over


def _fail(engine: Engine, org_id: str, change_id: str, refusal: Refusal) -> list[str]:
    with transaction(engine, org_id) as tx:
        change = changes.get(tx, change_id, lock=True)
        if change.is_approved:
            last = change_lists.last_decision(tx, change_id)
            work = system_work(tx, change, "change.execute", last and last[1])
            changes.save(tx, change, _failed(work, change, refusal))
            work.flush()
            _answer_last(tx, change_id, last)
    return []


def _failed(work: Work, change: Change, refusal: Refusal) -> Change:
    """The change that could not be carried out, put on its submitter's desk and into the trail."""
    detail: dict[str, object] = {
        "change_id": change.id,
        "customer_id": change.customer_id,
        "paths": refusal.extra.get("paths", []),
    }
    work.open_exception(
        "change_failed", refusal.code, change.id, owner_user=change.chain.submitted_by,
        legal_entity_id=change.legal_entity_id, detail=detail,
    )  # fmt: skip
    work.audit(change.id, "customer.change.failed", detail | {"code": refusal.code}, reason_code=refusal.code)
    return change.failed(failed(change.chain), work.now, refusal.code, refusal.detail)


def _say_executed(work: Work, change: Change, version: int) -> None:
    event = _EVENT[change.operation]
    said = {"change_id": change.id, "operation": change.operation, "version": version}
    work.audit(change.id, "customer.change.executed", said)
    people = {
        "submitted_by": change.chain.submitted_by,
        "submitted_at": change.submitted_at,
        "approved": _approved(change.chain),
    }
    whole = {**said, **people, "diff": change.diff}
    work.audit(change.customer_id, event, whole, reason_code=change.reason_code)
    ids = {"customer_id": change.customer_id, "change_id": change.id, "version": version}
    work.emit(event, change.customer_id, ids)


def _approved(chain: Chain) -> list[dict[str, object]]:
    """Who approved it, and when: the customer's own trail tells it without the change's."""
    return [
        {"step": s.number, "role": s.role, "decided_by": s.decided_by, "decided_at": s.decided_at} for s in chain.steps
    ]


def _answer_last(tx: Tx, change_id: str, last: tuple[str, str] | None) -> None:
    """The caller of the last decision is answered with its effect, however often asked."""
    if last is not None:
        change_lists.answer_again(tx, last[0], to_json(change_answer(changes.get(tx, change_id))))


def _create(tx: Tx, change: Change) -> int:
    customer = diffs.applied(None, change.diff or [])
    check_references(tx, None, customer)
    check_paying(tx, change.customer_id, None, customer)
    refuse_taken(tx, change.customer_id, customer)
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
    refuse_taken(tx, change.customer_id, after)
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

    word, noun = "customer.change", "change"
    decided = "customer.change.decided"
    reminded = "customer.change.reminded"
    escalated = "customer.change.escalated"

    def get(self, tx: Tx, approval_id: str, *, lock: bool = False) -> Change:
        return changes.get(tx, approval_id, lock=lock)

    def save(self, tx: Tx, before: Change, after: Change) -> None:
        changes.save(tx, before, after)

    def add_decision(self, tx: Tx, approval_id: str, decision: StepDecision) -> None:
        changes.add_decision(tx, approval_id, decision)

    def ids(self, one: Change) -> Mapping[str, object]:
        return {"change_id": one.id, "customer_id": one.customer_id}

    def at_once(self, work: Work, decided: Change) -> AtOnce[Change]:
        return _at_once(work, decided)

    def execute(self, engine: Engine, org_id: str, approval_id: str, *, last_try: bool) -> list[str]:
        return execute_change(engine, org_id, approval_id, last_try=last_try)


CHANGES: Final = CustomerChanges()
FAMILIES["chg"] = CHANGES
