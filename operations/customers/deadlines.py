"""A step that nobody decides: a reminder, then escalation to its fallback. Each once, each audited and on a desk."""

from typing import Any

from sqlalchemy import Engine

from models.access import ROLES
from models.customers.approval import ChangeStatus, Step, escalated
from models.db.customers import changes
from models.db.engine import transaction
from models.db.tx import Tx
from models.ids import new_id
from operations.work import Command, Work


def _work(tx: Tx, row: Any) -> Work:
    return Work(
        tx,
        Command(
            new_id("cmd"),
            "change.deadline",
            "",
            {},
            "",
            True,
            "arflow",
            (),
            None,
            new_id("req"),
            row["workflow_id"],
            row["id"],
        ),
    )


def _pending(tx: Tx, change_id: str, round_: int, number: int) -> tuple[Any, Step] | None:
    """The step if it is still the one to be decided: a decision that came first has won."""
    row = changes.get(tx, change_id, lock=True)
    chain = changes.chain(tx, row)
    step = chain.pending
    if (
        chain.status is not ChangeStatus.PENDING_APPROVAL
        or chain.round != round_
        or step is None
        or step.number != number
    ):
        return None
    return row, step


def remind(engine: Engine, org_id: str, change_id: str, round_: int, number: int) -> bool:
    """Remind whom the step waits for. False where it was decided or reminded already."""
    with transaction(engine, org_id) as tx:
        found = _pending(tx, change_id, round_, number)
        if found is None:
            return False
        row, step = found
        key = {"id": change_id, "round": round_, "step": number}
        if not tx.run(
            "UPDATE customer_change_steps SET reminded_at = :now WHERE org_id = :org AND change_id = :id AND round = :round "
            "AND step = :step AND reminded_at IS NULL",
            now=tx.now,
            **key,
        ):
            return False
        work = _work(tx, row)
        delegate = step.delegation.to if step.delegation and step.delegation.active(tx.now) else None
        owner = changes.stand_in(tx, delegate, tx.now) if delegate else None
        _desk(work, row, step, "APPROVAL_DUE", owner_role=None if owner else step.role, owner_user=owner)
        work.audit(change_id, "customer.change.reminded", key | {"role": step.role, "delegated_to": delegate})
        work.flush()
        return True


def escalate(engine: Engine, org_id: str, change_id: str, round_: int, number: int) -> bool:
    """Bring the overdue step before its fallback, who may hand it to someone of the step's role."""
    with transaction(engine, org_id) as tx:
        found = _pending(tx, change_id, round_, number)
        if found is None:
            return False
        row, step = found
        before = changes.chain(tx, row)
        after = escalated(before, number, tx.now)
        if after is None:
            return False
        changes.save(tx, change_id, before, after)
        work = _work(tx, row)
        role = step.fallback if step.fallback in ROLES else None
        user = None if role else changes.stand_in(tx, step.fallback, tx.now)
        _desk(work, row, step, "APPROVAL_OVERDUE", owner_role=role, owner_user=user)
        said = {"round": round_, "step": number, "role": step.role, "to": user or role, "due_at": step.due_at}
        work.audit(change_id, "customer.change.escalated", said, reason_code="APPROVAL_OVERDUE")
        work.flush()
        return True


def _desk(work: Work, row: Any, step: Step, reason: str, *, owner_role: str | None, owner_user: str | None) -> None:
    due = (step.due_at or work.now) - work.now
    work.open_exception(
        "approval_overdue",
        reason,
        row["id"],
        owner_role=owner_role,
        owner_user=owner_user,
        due_in=due,
        legal_entity_id=row["legal_entity_id"],
        detail={"change_id": row["id"], "customer_id": row["customer_id"], "step": step.number, "role": step.role},
    )


def signals_refused(engine: Engine, org_id: str, change_id: str, count: int) -> None:
    """A process that has refused so many signals ignores further ones: someone should look."""
    with transaction(engine, org_id) as tx:
        row = changes.get(tx, change_id)
        work = _work(tx, row)
        work.open_exception(
            "signals_refused",
            "SIGNALS_REFUSED",
            change_id,
            owner_role="ops",
            detail={"change_id": change_id, "count": count},
        )
        work.audit(change_id, "customer.change.signals_ignored", {"refused": count}, reason_code="SIGNALS_REFUSED")
        work.flush()
