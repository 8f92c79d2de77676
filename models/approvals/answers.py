"""What is answered of anything that is under approval: its steps, its decisions, and the one shape in which approvals of every
kind are listed. Times in UTC."""

from collections.abc import Sequence
from datetime import datetime

from models.answers import CurrencyAmountAnswer, WarningAnswer, answer
from models.approvals.chain import ChangeStatus, Decision, Step, StepStatus
from models.approvals.kinds import ApprovalKind
from models.approvals.records import Channel, Lane, StepDecision, UnderApproval


@answer
class ChangeStepAnswer:
    """One approval. `role` decides it; overdue at `due_at`, it goes to `fallback` (a role or a person) too."""

    step: int
    role: str
    status: StepStatus
    decided_by: str | None
    decided_at: datetime | None
    reason_code: str | None
    comment: str | None
    due_at: datetime | None
    started_at: datetime | None
    on_behalf_of: str | None
    delegated_to: str | None
    delegated_by: str | None
    delegated_until: datetime | None
    reminded_at: datetime | None
    escalated_at: datetime | None
    fallback: str


@answer
class ChangeDecisionAnswer:
    """What one approver said, in whatever round."""

    round: int
    step: int
    role: str
    decision: Decision
    decided_by: str
    on_behalf_of: str | None
    decided_at: datetime
    reason_code: str | None
    comment: str | None
    channel: Channel


@answer
class ChangeFailureAnswer:
    """Why an approved change could not be carried out."""

    code: str
    detail: str | None


def step_answer(s: Step) -> ChangeStepAnswer:
    given = s.delegation
    return ChangeStepAnswer(
        step=s.number,
        role=s.role,
        status=s.status,
        decided_by=s.decided_by,
        decided_at=s.decided_at,
        reason_code=s.reason_code,
        comment=s.comment,
        due_at=s.due_at,
        started_at=s.started_at,
        on_behalf_of=s.on_behalf_of,
        delegated_to=given.to if given else None,
        delegated_by=given.by if given else None,
        delegated_until=given.until if given else None,
        reminded_at=s.reminded_at,
        escalated_at=s.escalated_at,
        fallback=s.fallback,
    )


def decision_answer(d: StepDecision) -> ChangeDecisionAnswer:
    return ChangeDecisionAnswer(
        round=d.round,
        step=d.step,
        role=d.role,
        decision=d.decision,
        decided_by=d.decided_by,
        on_behalf_of=d.on_behalf_of,
        decided_at=d.decided_at,
        reason_code=d.reason_code,
        comment=d.comment,
        channel=d.channel,
    )


def failure_answer(one: UnderApproval) -> ChangeFailureAnswer | None:
    """Why it could not be carried out; None where nothing of it failed."""
    if one.failure_code is None:
        return None
    return ChangeFailureAnswer(code=one.failure_code, detail=one.failure_detail)


@answer
class RoleLimitAnswer:
    """Up to which amount a role could decide alone, in minor units of the functional currency; null: any."""

    role: str
    limit_minor: int | None


@answer
class ApprovalAuthorityAnswer:
    """The limits that the round began with, and keeps: the amount in the functional currency, the submitter's limit, and that
    of each step's role. `version` is that of the organisation's limits; `given_minor`: what the submitter had given alone before,
    which is one amount with it."""

    version: int
    functional_minor: int
    given_minor: int
    submitter: RoleLimitAnswer
    steps: Sequence[RoleLimitAnswer]


@answer
class ApprovalAnswer:
    """What waits for approval, or did, of whatever kind: its steps (of the present round), and the decisions of every round.

    `subject_id` is the record that it is about, `href` leads to it; `amount` what it is about, where it is money. `step`,
    `role` and `due_at` are the pending step's, null where none is; `returned`: it waits for its submitter. An import's
    first step is its validation; its status is told in the words of approvals. `authority`: null where no limits decide.
    """

    id: str
    kind: ApprovalKind
    subject_id: str
    summary: str
    amount: CurrencyAmountAnswer | None
    lane: Lane
    status: ChangeStatus
    step: int | None
    role: str | None
    due_at: datetime | None
    href: str
    warnings: Sequence[WarningAnswer]
    customer_id: str | None
    customer_name: str | None
    legal_entity_id: str | None
    submitted_by: str
    submitted_at: datetime
    reason_code: str | None
    round: int
    returned: bool
    workflow_id: str
    closed_at: datetime | None
    steps: Sequence[ChangeStepAnswer]
    decisions: Sequence[ChangeDecisionAnswer]
    failure: ChangeFailureAnswer | None
    authority: ApprovalAuthorityAnswer | None


@answer
class ApprovalTokenAnswer:
    """A single-use token for deciding one step by the signal `decide`, good until `expires_at`. `change_id` is the approval's
    id too, of whatever kind it is."""

    token: str
    expires_at: datetime
    change_id: str
    step: int
