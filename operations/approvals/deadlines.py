"""A step that nobody decides: a reminder, then escalation to its fallback. Each once, each audited and on a desk."""

from sqlalchemy import Engine

from models.access import ROLES
from models.approvals.chain import Chain, Step
from models.approvals.deadlines import escalated, reminded
from models.approvals.records import UnderApproval
from models.db.approvals import people
from models.db.engine import transaction
from models.db.exceptions import resolve_about
from models.facts import Facts
from operations.approvals.families import Family, family_of, system_work
from operations.work import Work


def remind(engine: Engine, org_id: str, approval_id: str, round_: int, number: int) -> bool:
    """Remind whom the step waits for. False where it was decided or reminded already."""
    family = family_of(approval_id)
    with transaction(engine, org_id) as tx:
        one = family.store.get(tx, approval_id, lock=True)
        after = reminded(one.chain, number, tx.now)
        if one.chain.round != round_ or after is None:
            return False
        work = system_work(tx, one, _operation(family))
        step = _saved(work, family, one, after, number)
        delegate = step.delegation.to if step.delegation and step.delegation.active(tx.now) else None
        owner = people.stand_in(tx, delegate, tx.now) if delegate else None
        role = None if owner else step.role
        _desk(work, family, one, step, "APPROVAL_DUE", owner_role=role, owner_user=owner)
        payload: Facts = {
            "id": approval_id,
            "round": round_,
            "step": number,
            "role": step.role,
            "delegated_to": delegate,
        }
        work.audit(approval_id, family.reminded, payload)
        _emit(work, family, one, step, family.reminded, owner_role=role, owner_user=owner)
        work.flush()
        return True


def escalate(engine: Engine, org_id: str, approval_id: str, round_: int, number: int) -> bool:
    """Bring the overdue step before its fallback, who may hand it to someone of the step's role."""
    family = family_of(approval_id)
    with transaction(engine, org_id) as tx:
        one = family.store.get(tx, approval_id, lock=True)
        after = escalated(one.chain, number, tx.now)
        if one.chain.round != round_ or after is None:
            return False
        work = system_work(tx, one, _operation(family))
        step = _saved(work, family, one, after, number)
        role = step.fallback if step.fallback in ROLES else None
        user = None if role else people.stand_in(tx, step.fallback, tx.now)
        resolve_about(tx, family.overdue, one.id, work.cmd.actor, "ESCALATED", reason="APPROVAL_DUE")
        _desk(work, family, one, step, "APPROVAL_OVERDUE", owner_role=role, owner_user=user)
        payload: Facts = {"round": round_, "step": number, "role": step.role, "to": user or role, "due_at": step.due_at}
        work.audit(approval_id, family.escalated, payload, reason_code="APPROVAL_OVERDUE")
        _emit(work, family, one, step, family.escalated, owner_role=role, owner_user=user)
        work.flush()
        return True


def _operation(family: Family[UnderApproval]) -> str:
    return f"{family.noun}.deadline"


def _saved(work: Work, family: Family[UnderApproval], one: UnderApproval, after: Chain, number: int) -> Step:
    family.store.save(work.tx, one, one.moved_to(after, work.now))
    return after.steps[number - 1]


def _desk(
    work: Work, family: Family[UnderApproval], one: UnderApproval, step: Step, reason: str, *, owner_role: str | None,
    owner_user: str | None,
) -> None:  # fmt: skip
    work.open_exception(
        family.overdue, reason, one.id, owner_role=owner_role, owner_user=owner_user,
        due_in=(step.due_at or work.now) - work.now, legal_entity_id=one.legal_entity_id,
        detail={**family.ids(one), "step": step.number, "role": step.role},
    )  # fmt: skip


def _emit(
    work: Work, family: Family[UnderApproval], one: UnderApproval, step: Step, event: str, *, owner_role: str | None,
    owner_user: str | None,
) -> None:  # fmt: skip
    """Tell the world outside: whoever listens can reach the people whom a desk alone does not."""
    data = {
        **family.ids(one), "step": step.number, "role": step.role, "owner_role": owner_role, "owner_user": owner_user,
        "due_at": step.due_at,
    }  # fmt: skip
    work.emit(event, one.id, data)


def signals_refused(engine: Engine, org_id: str, approval_id: str, count: int) -> None:
    """A process that has refused so many signals ignores further ones: someone should look."""
    family = family_of(approval_id)
    with transaction(engine, org_id) as tx:
        one = family.store.get(tx, approval_id)
        work = system_work(tx, one, _operation(family))
        detail = {**family.ids(one), "count": count}
        work.open_exception("signals_refused", "SIGNALS_REFUSED", approval_id, owner_role="ops", detail=detail)
        work.audit(approval_id, f"{family.word}.signals_ignored", {"refused": count}, reason_code="SIGNALS_REFUSED")
        work.flush()
