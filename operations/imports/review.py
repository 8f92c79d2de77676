"""A review that nobody decides: after its time it becomes somebody's exception."""

from dataclasses import replace

from sqlalchemy import Engine

from models.access import ROLES
from models.db.engine import transaction
from models.db.imports import imports
from models.imports.records import ImportStatus
from models.imports.review import chain_of, steps_of
from operations.imports.ends import import_work
from operations.imports.reviewing import REVIEWS


def overdue(engine: Engine, org_id: str, import_id: str) -> None:
    """Open an exception for the pending step's fallback (a role or a person), once; a decision that came first wins."""
    with transaction(engine, org_id) as tx:
        one = imports.get(tx, import_id, lock=True)
        chain = chain_of(one)
        step = chain.pending
        late = step is not None and step.due_at is not None and step.due_at <= tx.now and step.escalated_at is None
        if one.status is not ImportStatus.AWAITING_REVIEW or step is None or not late:
            return
        work = import_work(tx, one)
        role, number = step.fallback in ROLES, REVIEWS.shown_step(step.number)
        work.open_exception(
            REVIEWS.overdue,
            "REVIEW_OVERDUE",
            import_id,
            owner_role=step.fallback if role else None,
            owner_user=None if role else step.fallback,
            legal_entity_id=one.legal_entity_id,
            detail={"import_id": import_id, "step": number, "role": step.role},
        )
        steps = steps_of(chain.with_step(replace(step, escalated_at=tx.now)))
        imports.save(tx, one, replace(one, steps=steps))
        work.audit(import_id, "import.review_overdue", {"step": number, "fallback": step.fallback})
        work.flush()
