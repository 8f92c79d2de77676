"""Steps that nobody but the submitter could decide: told at once, before anybody waits for them."""

from datetime import timedelta
from typing import Final

from models.access import ROLES
from models.answers import WarningAnswer
from models.approvals.approval import Approval
from models.db.approvals import people
from operations.work import Work

UNSTAFFED: Final = "approval_unstaffed"
MISSING: Final = "APPROVER_MISSING"


def missing(work: Work, roles: tuple[str, ...], entity: str | None) -> list[WarningAnswer]:
    """A warning for each step of these roles that only the caller holds, among those who have signed in and may see it."""
    own = [role for role in dict.fromkeys(roles) if role in work.cmd.roles]
    return [
        WarningAnswer(
            code=MISSING,
            detail=f"Nobody but the submitter has signed in as {role}: another person needs that role to decide it, or another "
            "person asks for it.",
        )
        for role in own
        if not people.others_hold(work.tx, role, work.cmd.actor, entity)
    ]


def put_on_a_desk(work: Work, approval: Approval) -> None:
    """Whom the step would go to when overdue learns at once that nobody can decide it."""
    if not any(w.code == MISSING for w in approval.warnings):
        return
    step = next(s for s in approval.chain.steps if s.role in work.cmd.roles)
    by_role = step.fallback in ROLES
    work.open_exception(
        UNSTAFFED, MISSING, approval.id,
        owner_role=step.fallback if by_role else None, owner_user=None if by_role else step.fallback,
        due_in=timedelta(days=1), legal_entity_id=approval.legal_entity_id,
        detail={"approval_id": approval.id, "kind": approval.kind, "step": step.number, "role": step.role},
    )  # fmt: skip
