"""What is answered about changes of customers. Times in UTC."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from models.answers import WarningAnswer, answer
from models.approvals.answers import (
    ChangeDecisionAnswer,
    ChangeFailureAnswer,
    ChangeStepAnswer,
    decision_answer,
    failure_answer,
    step_answer,
)
from models.approvals.chain import ChangeStatus
from models.customers.change_records import Change, ChangeOperation
from models.customers.diff import Difference


@answer
class SubmittedChangeAnswer:
    """A change that was submitted. `status` is SUBMITTED, and what follows from looking at the customer still missing,
    where that has not been done yet."""

    change_id: str
    workflow_id: str
    status: ChangeStatus
    customer_id: str
    warnings: Sequence[WarningAnswer]


def submitted_answer(
    change_id: str,
    workflow_id: str,
    customer_id: str,
    *,
    status: ChangeStatus = ChangeStatus.SUBMITTED,
    warnings: Sequence[WarningAnswer] = (),
) -> SubmittedChangeAnswer:
    """What a submission is answered: at once, or once it has been looked at."""
    return SubmittedChangeAnswer(
        change_id=change_id, workflow_id=workflow_id, status=status, customer_id=customer_id, warnings=warnings
    )


@answer
class ChangeAnswer:
    """A change with its steps (of the present round), what it does, and the decisions of every round.

    `entities`: the legal entities whose people decide it. `returned`: it waits for its submitter. `base_version`: of the
    customer when it was submitted. `erased`: what it did was erased with the customer.
    """

    id: str
    operation: ChangeOperation
    lane: Literal["yellow", "red"]
    status: ChangeStatus
    customer_id: str
    legal_entity_id: str
    entities: Sequence[str]
    submitted_by: str
    submitted_at: datetime
    mode: str | None
    force: bool
    reason_code: str | None
    round: int
    returned: bool
    awaiting_step: int | None
    awaiting_role: str | None
    awaiting_since: datetime | None
    due_at: datetime | None
    base_version: int | None
    workflow_id: str
    closed_at: datetime | None
    steps: Sequence[ChangeStepAnswer]
    diff: Sequence[Difference]
    warnings: Sequence[WarningAnswer]
    failure: ChangeFailureAnswer | None
    erased: bool
    decisions: Sequence[ChangeDecisionAnswer]


def change_answer(c: Change) -> ChangeAnswer:
    """The change as it stands."""
    awaiting = c.awaiting
    failure = failure_answer(c)
    return ChangeAnswer(
        id=c.id,
        operation=c.operation,
        lane=c.lane,
        status=c.chain.status,
        customer_id=c.customer_id,
        legal_entity_id=c.legal_entity_id,
        entities=c.entities,
        submitted_by=c.chain.submitted_by,
        submitted_at=c.submitted_at,
        mode=c.mode,
        force=c.force,
        reason_code=c.reason_code,
        round=c.chain.round,
        returned=c.chain.returned,
        awaiting_step=awaiting.number if awaiting else None,
        awaiting_role=awaiting.role if awaiting else None,
        awaiting_since=awaiting.started_at if awaiting else None,
        due_at=awaiting.due_at if awaiting else None,
        base_version=c.base_version,
        workflow_id=c.workflow_id,
        closed_at=c.closed_at,
        steps=[step_answer(s) for s in c.chain.steps],
        diff=c.diff or [],
        warnings=c.warnings,
        failure=failure,
        erased=c.diff is None,
        decisions=[decision_answer(d) for d in c.decisions],
    )
