"""A step that nobody decides: a reminder, then escalation to its fallback. Each once, each audited and on a desk."""

from sqlalchemy import Engine

from models.access import ROLES
from models.customers.approval import Chain, Step
from models.customers.change_records import Change
from models.customers.deadlines import escalated, reminded
from models.db.customers import changes, people
from models.db.engine import transaction
from operations.customers.execution import system_work
from operations.work import Work

_OPERATION = "change.deadline"


def remind(engine: Engine, org_id: str, change_id: str, round_: int, number: int) -> bool:
    """Remind whom the step waits for. False where it was decided or reminded already."""
    with transaction(engine, org_id) as tx:
        change = changes.get(tx, change_id, lock=True)
        after = reminded(change.chain, number, tx.now)
        if change.chain.round != round_ or after is None:
            return False
        work = system_work(tx, change, _OPERATION)
        step = _saved(work, change, after, number)
        delegate = step.delegation.to if step.delegation and step.delegation.active(tx.now) else None
        owner = people.stand_in(tx, delegate, tx.now) if delegate else None
        _desk(work, change, step, "APPROVAL_DUE", owner_role=None if owner else step.role, owner_user=owner)
        said = {"id": change_id, "round": round_, "step": number, "role": step.role, "delegated_to": delegate}
        work.audit(change_id, "customer.change.reminded", said)
        _emit(work, change, step, "customer.change.reminded", owner_role=None if owner else step.role, owner_user=owner)
        work.flush()
        return True


def escalate(engine: Engine, org_id: str, change_id: str, round_: int, number: int) -> bool:
    """Bring the overdue step before its fallback, who may hand it to someone of the step's role."""
    with transaction(engine, org_id) as tx:
        change = changes.get(tx, change_id, lock=True)
        after = escalated(change.chain, number, tx.now)
        if change.chain.round != round_ or after is None:
            return False
        work = system_work(tx, change, _OPERATION)
        step = _saved(work, change, after, number)
        role = step.fallback if step.fallback in ROLES else None
        user = None if role else people.stand_in(tx, step.fallback, tx.now)
        _desk(work, change, step, "APPROVAL_OVERDUE", owner_role=role, owner_user=user)
        said = {"round": round_, "step": number, "role": step.role, "to": user or role, "due_at": step.due_at}
        work.audit(change_id, "customer.change.escalated", said, reason_code="APPROVAL_OVERDUE")
        _emit(work, change, step, "customer.change.escalated", owner_role=role, owner_user=user)
        work.flush()
        return True


def _saved(work: Work, change: Change, after: Chain, number: int) -> Step:
    changes.save(work.tx, change, change.moved_to(after, work.now))
    return after.steps[number - 1]


def _desk(
    work: Work, change: Change, step: Step, reason: str, *, owner_role: str | None, owner_user: str | None
) -> None:
    detail = {"change_id": change.id, "customer_id": change.customer_id, "step": step.number, "role": step.role}
    work.open_exception(
        "approval_overdue", reason, change.id, owner_role=owner_role, owner_user=owner_user,
        due_in=(step.due_at or work.now) - work.now, legal_entity_id=change.legal_entity_id, detail=detail,
    )  # fmt: skip


def _emit(
    work: Work, change: Change, step: Step, event_type: str, *, owner_role: str | None, owner_user: str | None
) -> None:
    """Tell the world outside: whoever listens can reach the people whom a desk alone does not."""
    data = {
        "change_id": change.id, "customer_id": change.customer_id, "step": step.number, "role": step.role,
        "owner_role": owner_role, "owner_user": owner_user, "due_at": step.due_at,
    }  # fmt: skip
    work.emit(event_type, change.id, data)


def signals_refused(engine: Engine, org_id: str, change_id: str, count: int) -> None:
    """A process that has refused so many signals ignores further ones: someone should look."""
    with transaction(engine, org_id) as tx:
        work = system_work(tx, changes.get(tx, change_id), _OPERATION)
        detail = {"change_id": change_id, "count": count}
        work.open_exception("signals_refused", "SIGNALS_REFUSED", change_id, owner_role="ops", detail=detail)
        work.audit(change_id, "customer.change.signals_ignored", {"refused": count}, reason_code="SIGNALS_REFUSED")
        work.flush()
