"""Carrying out an approved change: exactly once, validated again, never silently over another's change.

It is done with the last approval, in its transaction; a deletion, and what could not be done there (a fault, a race
lost), in a step of the process of its own. A change that can no longer be carried out becomes FAILED, with an exception
for its submitter: re-base or withdraw.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy import Engine

from models.customers import diff as diffs
from models.customers.approval import Chain, ChangeStatus, executed, failed
from models.customers.record import Record, check
from models.db.customers import changes
from models.db.customers import records as customers
from models.db.engine import transaction
from models.db.refused import RACES, final_refusal
from models.db.tx import Row, Tx, to_json
from models.errors import Refusal
from models.ids import new_id
from operations.customers.erasure import erase
from operations.customers.references import check_references
from operations.customers.submission import CLAIMED, refuse_with_transactions, taken
from operations.customers.view import change_body
from operations.work import Command, Work

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


@dataclass(frozen=True)
class AtOnce:
    """What became of the chain; the columns to save with it; what is to be said of it in the system's name."""

    chain: Chain
    columns: dict[str, Any] = field(default_factory=dict)
    said: Work | None = None


def at_once(work: Work, change: Row, decided: Chain) -> AtOnce:
    """Carry the change out with the decision that completed its chain; the chain as it is where there is nothing to do.

    What the rules refuse makes it FAILED, beside the decision, which stands. A fault takes back what was begun and no more:
    the decision stands and the process carries the change out in its next step.
    """
    if decided.status is not ChangeStatus.PENDING_APPROVAL or not decided.complete or change["operation"] == "delete":
        return AtOnce(decided)
    tx, said = work.tx, _work(work.tx, change, work.cmd.request_id)
    try:
        with tx.savepoint("carried_out"):
            version = _CARRY_OUT[change["operation"]](tx, change)
    except Refusal as refusal:
        return AtOnce(failed(decided), _said_failed(said, change, refusal), said)
    except Exception as fault:
        log.warning("left to the process", change_id=change["id"], error=type(fault).__name__)
        return AtOnce(decided)
    _say_executed(said, change, decided, version)
    return AtOnce(executed(decided), said=said)


def execute_change(engine: Engine, org_id: str, change_id: str, *, last_try: bool = False) -> list[str]:
    """Carry the change out if it is approved and has not been; the other processes to tell that they are over.

    Repeating it does nothing. What the rules refuse, or the database for good, is recorded as FAILED and not raised; with
    `last_try` any other fault too, unless it is one that passes (the database is away, a lock is held).
    """
    for attempt in range(4):
        try:
            with transaction(engine, org_id) as tx:
                return _execute(tx, change_id)
        except Refusal as refusal:
            return _failed(engine, org_id, change_id, refusal)
        except psycopg.Error as error:
            if attempt < 3 and isinstance(error, RACES):
                continue
            if refused := final_refusal(error):
                return _failed(engine, org_id, change_id, refused)
            raise
        except Exception:
            if not last_try:
                raise
            log.exception("given up", change_id=change_id)
            return _failed(engine, org_id, change_id, Refusal("NOT_CARRIED_OUT", _GIVEN_UP))
    raise AssertionError("unreachable")


def _failed(engine: Engine, org_id: str, change_id: str, refusal: Refusal) -> list[str]:
    with transaction(engine, org_id) as tx:
        _fail(tx, change_id, refusal)
    return []


def _work(tx: Tx, change: Row, request: str) -> Work:
    """The system's own: nobody but the approvers is behind it, and the request is the last approver's."""
    return Work(
        tx,
        Command(
            new_id("cmd"),
            "change.execute",
            "",
            {},
            "",
            True,
            SYSTEM,
            (),
            None,
            request,
            change["workflow_id"],
            change["id"],
        ),
    )


def _last_command(tx: Tx, change: Row) -> Row | None:
    return tx.one(
        "SELECT id, request_id FROM commands WHERE org_id = :org AND resource_id = :id AND operation = 'change.decide' "
        "AND state = 'done' ORDER BY finished_at DESC LIMIT 1",
        id=change["id"],
    )


def _request(last: Row | None) -> str:
    return str(last["request_id"]) if last is not None else new_id("req")


def _people(change: Row, chain: Chain) -> dict[str, Any]:
    """Who submitted it and who approved it, and when: the record's own trail tells it without the change's."""
    approved = [
        {"step": s.number, "role": s.role, "decided_by": s.decided_by, "decided_at": s.decided_at} for s in chain.steps
    ]
    return {"submitted_by": change["submitted_by"], "submitted_at": change["submitted_at"], "approved": approved}


def _ready(tx: Tx, change_id: str) -> tuple[Row, Chain] | None:
    """The change, locked, if it is approved by all and not carried out yet."""
    change = changes.get(tx, change_id, lock=True)
    chain = changes.chain(tx, change)
    if chain.status is not ChangeStatus.PENDING_APPROVAL or not chain.complete:
        return None
    return change, chain


def _execute(tx: Tx, change_id: str) -> list[str]:
    ready = _ready(tx, change_id)
    if ready is None:
        return []
    change, approved = ready
    last = _last_command(tx, change)
    work = _work(tx, change, _request(last))
    version = _CARRY_OUT[change["operation"]](tx, change)
    changes.save_state(tx, change_id, executed(approved), release=True)
    _say_executed(work, change, approved, version)
    work.flush()
    erases = change["operation"] == "delete"
    over = erase(work, change["customer_id"], change_id, keep=change["force"]) if erases else []
    _answer_last(tx, change_id, last)
    return over


def _say_executed(work: Work, change: Row, approved: Chain, version: int) -> None:
    customer_id = change["customer_id"]
    said = {"change_id": change["id"], "operation": change["operation"], "version": version}
    work.audit(change["id"], "customer.change.executed", said)
    work.audit(
        customer_id,
        _EVENT[change["operation"]],
        said | _people(change, approved) | {"diff": change["diff"]},
        reason_code=change["reason_code"],
    )
    work.emit(
        _EVENT[change["operation"]],
        customer_id,
        {"customer_id": customer_id, "change_id": change["id"], "version": version},
    )


def _answer_last(tx: Tx, change_id: str, last: Row | None) -> None:
    """The caller of the last decision is answered with its effect, however often asked."""
    if last is not None:
        tx.run(
            "UPDATE commands SET response = CAST(:body AS json) WHERE org_id = :org AND id = :id",
            id=last["id"],
            body=to_json(change_body(tx, change_id)),
        )


def _create(tx: Tx, change: Row) -> int:
    empty: Record = {"addresses": {}, "contacts": {}, "pricing_tiers": {}, "tax_profiles": {}, "dimensions": {}}
    blank = dict.fromkeys(("external_id", "phone", "website", "billing_email", "tax_id", "notes", "customer_type"))
    blank |= dict.fromkeys(("credit_limit", "payment_terms", "currency_code", "tax_code", "revenue_account"))
    record = diffs.applied(blank | empty | {"entity_overrides": {}, "metadata": {}}, change["diff"])
    check_references(tx, None, record)
    _refuse_taken(tx, change["customer_id"], record)
    customers.insert(tx, change["customer_id"], record)
    return 1


def _update(tx: Tx, change: Row) -> int:
    found = customers.lock(tx, change["customer_id"])
    if found is None:
        raise Refusal("CUSTOMER_NOT_FOUND", "The customer was deleted meanwhile.")
    before, _ = found
    moved = diffs.moved(before, change["diff"])
    if moved:
        raise Refusal("RECORD_MOVED", "The record has changed where this change touches it.", paths=moved)
    after = diffs.applied(before, change["diff"])
    check(after)
    check_references(tx, before, after)
    _refuse_taken(tx, change["customer_id"], after)
    return customers.update(tx, change["customer_id"], before, after)


def _delete(tx: Tx, change: Row) -> int:
    found = customers.lock(tx, change["customer_id"])
    if found is None:
        raise Refusal("CUSTOMER_NOT_FOUND", "The customer was deleted meanwhile.")
    refuse_with_transactions(tx, change["customer_id"], change["force"])
    return int(found[1]["version"]) + 1


_CARRY_OUT: Final[dict[str, Callable[[Tx, Row], int]]] = {
    "create": _create,
    "update": _update,
    "deactivate": _update,
    "reactivate": _update,
    "delete": _delete,
}


def _refuse_taken(tx: Tx, customer_id: str, record: Record) -> None:
    for kind, (key_of, _) in CLAIMED.items():
        value = record[kind]
        holder = customers.taken_by(tx, kind, key_of(value)) if value else None
        if holder is not None and holder != customer_id:
            raise taken(kind, holder, " meanwhile")


def _fail(tx: Tx, change_id: str, refusal: Refusal) -> None:
    ready = _ready(tx, change_id)
    if ready is None:
        return
    change, approved = ready
    last = _last_command(tx, change)
    work = _work(tx, change, _request(last))
    changes.save_state(tx, change_id, failed(approved), **_said_failed(work, change, refusal))
    work.flush()
    _answer_last(tx, change_id, last)


def _said_failed(work: Work, change: Row, refusal: Refusal) -> dict[str, Any]:
    """Put it on the submitter's desk and into the trail; the change's columns that say so."""
    change_id = change["id"]
    detail: dict[str, Any] = {
        "change_id": change_id,
        "customer_id": change["customer_id"],
        "paths": refusal.extra.get("paths", []),
    }
    work.open_exception(
        "change_failed",
        refusal.code,
        change_id,
        owner_user=change["submitted_by"],
        legal_entity_id=change["legal_entity_id"],
        detail=detail,
    )
    work.audit(change_id, "customer.change.failed", detail | {"code": refusal.code}, reason_code=refusal.code)
    return {"failure_code": refusal.code, "failure_detail": refusal.detail}


def finished_workflows(engine: Engine, org_id: str, change_id: str) -> list[str]:
    """The processes of all changes of the customer whose deletion this change was, its own among them."""
    with transaction(engine, org_id) as tx:
        rows = tx.all(
            "SELECT workflow_id FROM customer_changes WHERE org_id = :org AND customer_id = "
            "(SELECT customer_id FROM customer_changes WHERE org_id = :org AND id = :id) ORDER BY id",
            id=change_id,
        )
    return [r["workflow_id"] for r in rows]
