"""Carrying out what is approved: exactly once, looked at again, never silently over what has happened meanwhile.

It is done with the last approval, in its transaction; what may not, or could not be done there (a fault, a race lost), in a
step of the process of its own. What can no longer be carried out becomes FAILED, with an exception for its submitter.
"""

from typing import Final, TypeVar

import psycopg
import structlog
from sqlalchemy import Engine

from models.approvals.chain import executed, failed
from models.approvals.records import UnderApproval
from models.db.approvals import decided
from models.db.attempts import attempts
from models.db.engine import transaction
from models.db.tx import Tx, to_json
from models.errors import Refusal
from models.facts import Fact
from operations.approvals.families import AtOnce, Family, family_of, system_work
from operations.work import Work

T = TypeVar("T", bound=UnderApproval)
log = structlog.get_logger("arflow.approvals")
_GIVEN_UP: Final = (
    "It failed again and again; the worker's log names the fault. Submit it again once that is mended, or withdraw."
)


def at_once(work: Work, family: Family[T], one: T) -> AtOnce[T]:
    """Carry it out with the decision that completed its chain; as it is where there is nothing to do.

    What the rules refuse makes it FAILED, beside the decision, which stands. A fault takes back what was begun and no more:
    the decision stands and the process carries it out in its next step.
    """
    if not one.is_approved or not family.may_be_at_once(one):
        return AtOnce(one)
    tx, system = work.tx, system_work(work.tx, one, f"{family.noun}.execute", work.cmd.request_id)
    try:
        with tx.savepoint("carried_out"):
            effect = family.carry_out(tx, one, work.cmd.request_id)
    except Refusal as refusal:
        return AtOnce(_failed(system, family, one, refusal), system)
    except Exception as fault:
        log.warning("left to the process", approval_id=one.id, error=type(fault).__name__)
        return AtOnce(one)
    family.record_execution(system, one, effect)
    return AtOnce(one.moved_to(executed(one.chain), work.now), system)


def execute(engine: Engine, org_id: str, approval_id: str, *, last_try: bool = False) -> list[str]:
    """Carry it out if it is approved and has not been; the other processes to tell that they are over.

    Repeating it does nothing. What the rules refuse, or the database for good, is recorded as FAILED and not raised; with
    `last_try` any other fault too, unless it is one that passes (the database is away, a lock is held).
    """
    family = family_of(approval_id)
    try:
        for attempt in attempts(engine, org_id):
            with attempt as tx:
                over = _execute(tx, family, approval_id)
    except Refusal as refusal:
        return _fail(engine, org_id, family, approval_id, refusal)
    except Exception as fault:
        if not last_try or isinstance(fault, psycopg.Error):
            raise
        log.exception("given up", approval_id=approval_id)
        return _fail(engine, org_id, family, approval_id, Refusal("NOT_CARRIED_OUT", _GIVEN_UP))
    return over


def _execute(tx: Tx, family: Family[T], approval_id: str) -> list[str]:
    one = family.store.get(tx, approval_id, lock=True)
    if not one.is_approved:
        return []
    last = decided.last(tx, approval_id, f"{family.noun}.decide")
    work = system_work(tx, one, f"{family.noun}.execute", last and last[1])
    effect = family.carry_out(tx, one, work.cmd.request_id)
    family.store.save(tx, one, one.moved_to(executed(one.chain), tx.now))
    family.record_execution(work, one, effect)
    work.flush()
    over = family.afterwards(work, one)
    _answer_last(tx, family, approval_id, last)
    return over


def _fail(engine: Engine, org_id: str, family: Family[T], approval_id: str, refusal: Refusal) -> list[str]:
    with transaction(engine, org_id) as tx:
        one = family.store.get(tx, approval_id, lock=True)
        if one.is_approved:
            last = decided.last(tx, approval_id, f"{family.noun}.decide")
            work = system_work(tx, one, f"{family.noun}.execute", last and last[1])
            family.store.save(tx, one, _failed(work, family, one, refusal))
            work.flush()
            _answer_last(tx, family, approval_id, last)
    return []


def _failed(work: Work, family: Family[T], one: T, refusal: Refusal) -> T:
    """What could not be carried out, put on its submitter's desk and into the trail."""
    detail = {**family.ids(one), "paths": refusal.extra.get("paths", [])}
    work.open_exception(
        f"{family.noun}_failed", refusal.code, one.id, owner_user=one.chain.submitted_by,
        legal_entity_id=one.legal_entity_id, detail=detail,
    )  # fmt: skip
    work.audit(one.id, f"{family.word}.failed", detail | {"code": refusal.code}, reason_code=refusal.code)
    after = one.failed(failed(one.chain), work.now, refusal.code, refusal.detail)
    family.follow(work, after)
    return after


def _answer_last(tx: Tx, family: Family[T], approval_id: str, last: tuple[str, str] | None) -> None:
    """The caller of the last decision is answered with its effect, however often asked."""
    if last is not None:
        decided.answer_again(tx, last[0], to_json(family.answer(family.store.get(tx, approval_id))))


def approved_by(one: UnderApproval) -> list[dict[str, Fact]]:
    """Who approved it, and when: what was done by it tells so in its own trail."""
    return [
        {"step": s.number, "role": s.role, "decided_by": s.decided_by, "decided_at": s.decided_at}
        for s in one.chain.steps
    ]
