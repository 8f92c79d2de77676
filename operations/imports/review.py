"""A review that nobody decides: after its time it becomes somebody's exception."""

from dataclasses import replace

from sqlalchemy import Engine

from models.customers.approval_policy import BASE
from models.db.engine import transaction
from models.db.imports import records as imports
from models.imports.options import ImportStatus
from operations.imports.ends import import_work


def overdue(engine: Engine, org_id: str, import_id: str) -> None:
    """Open an exception for the pending step's fallback (a role or a person), once; a decision that came first wins."""
    with transaction(engine, org_id) as tx:
        row = imports.get(tx, import_id, lock=True)
        step = imports.chain_of(row).pending
        late = step is not None and step.due_at is not None and step.due_at <= tx.now and step.escalated_at is None
        if row["status"] != ImportStatus.AWAITING_REVIEW or step is None or not late:
            return
        work = import_work(tx, row)
        role = step.fallback in {r for roles in BASE.values() for r in roles}
        work.open_exception(
            "import_overdue",
            "REVIEW_OVERDUE",
            import_id,
            owner_role=step.fallback if role else None,
            owner_user=None if role else step.fallback,
            legal_entity_id=row["legal_entity_id"],
            detail={"import_id": import_id, "step": step.number, "role": step.role},
        )
        comments = {s["step"]: s.get("comment") for s in row["steps"]}
        after = imports.chain_of(row).with_step(replace(step, escalated_at=tx.now))
        imports.update(tx, import_id, steps=imports.steps_json(after, comments))
        work.audit(import_id, "import.review_overdue", {"step": step.number, "fallback": step.fallback})
        work.flush()
