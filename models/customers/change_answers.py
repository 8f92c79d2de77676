"""What is answered about changes of customers and those who approve them. Times in UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from models.answers import WarningAnswer, answer
from models.checks import decimal_text
from models.customers.approval import ChangeStatus, Decision, Step, StepStatus
from models.customers.approval_policy import BASE, OperationPolicy, PlannedStep, StepPolicy, plan
from models.customers.change_records import Absence, Change, ChangeDecision, ChangeOperation, Channel, KeptPolicy
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
    failure = None if c.failure_code is None else ChangeFailureAnswer(code=c.failure_code, detail=c.failure_detail)
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
        steps=[_step_answer(s) for s in c.chain.steps],
        diff=c.diff or [],
        warnings=c.warnings,
        failure=failure,
        erased=c.diff is None,
        decisions=[_decision_answer(d) for d in c.decisions],
    )


def _step_answer(s: Step) -> ChangeStepAnswer:
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


def _decision_answer(d: ChangeDecision) -> ChangeDecisionAnswer:
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


@answer
class ApprovalTokenAnswer:
    """A single-use token for deciding one step by the signal `decide`, good until `expires_at`."""

    token: str
    expires_at: datetime
    change_id: str
    step: int


@answer
class StepPolicyAnswer:
    """A step of the organisation's own chain. `four_eyes`: two people of the role. Times in seconds from its beginning."""

    role: str
    four_eyes: bool
    remind_after_seconds: int | None
    escalate_after_seconds: int | None
    fallback: str | None


@answer
class PolicyRuleAnswer:
    """An extra step where the change sets a credit limit above an amount, in the limit's own currency."""

    credit_limit_above: str
    step: StepPolicyAnswer


@answer
class OperationPolicyAnswer:
    """The steps of one operation; `steps` null: those that every organisation has."""

    steps: Sequence[StepPolicyAnswer] | None
    rules: Sequence[PolicyRuleAnswer]


@answer
class EffectiveStepAnswer:
    """A step that a change of the operation goes through."""

    step: int
    role: str
    remind_after_seconds: int
    escalate_after_seconds: int
    fallback: str


@answer
class ApprovalPolicyAnswer:
    """The policy as it was put, and the steps that follow from it for each operation. It may be put as it was read."""

    operations: Mapping[str, OperationPolicyAnswer]
    force_delete: bool
    import_update_controller: bool
    effective_steps: Mapping[str, Sequence[EffectiveStepAnswer]]
    version: int
    updated_at: datetime | None
    updated_by: str | None


def policy_answer(kept: KeptPolicy) -> ApprovalPolicyAnswer:
    """The policy, with what follows from it."""
    policy = kept.policy
    return ApprovalPolicyAnswer(
        operations={operation: _operation_policy(p) for operation, p in policy.operations.items()},
        force_delete=policy.force_delete,
        import_update_controller=policy.import_update_controller,
        effective_steps={op: [_effective(n, s) for n, s in enumerate(plan(policy, op), 1)] for op in BASE},
        version=kept.version,
        updated_at=kept.updated_at,
        updated_by=kept.updated_by,
    )


def _operation_policy(p: OperationPolicy) -> OperationPolicyAnswer:
    rules = [
        PolicyRuleAnswer(credit_limit_above=decimal_text(r.credit_limit_above), step=_step_policy(r.step))
        for r in p.rules
    ]
    return OperationPolicyAnswer(steps=None if p.steps is None else [_step_policy(s) for s in p.steps], rules=rules)


def _step_policy(s: StepPolicy) -> StepPolicyAnswer:
    return StepPolicyAnswer(
        role=s.role,
        four_eyes=s.four_eyes,
        remind_after_seconds=s.remind_after_seconds,
        escalate_after_seconds=s.escalate_after_seconds,
        fallback=s.fallback,
    )


def _effective(number: int, s: PlannedStep) -> EffectiveStepAnswer:
    return EffectiveStepAnswer(
        step=number,
        role=s.role,
        remind_after_seconds=_seconds(s.remind_after),
        escalate_after_seconds=_seconds(s.escalate_after),
        fallback=s.fallback,
    )


def _seconds(time: timedelta) -> int:
    return int(time.total_seconds())


@answer
class AbsenceAnswer:
    """From when to when somebody is away, and who stands in."""

    starts_at: datetime
    ends_at: datetime
    delegate_user_id: str | None


@answer
class StandInAnswer:
    """For whom one stands in at the moment, and until when."""

    user_id: str
    ends_at: datetime


@answer
class OutOfOfficeAnswer:
    """One's own absence (null where there is none), and those for whom one stands in at the moment."""

    user_id: str
    absence: AbsenceAnswer | None
    stands_in_for: Sequence[StandInAnswer]


def out_of_office_answer(user: str, own: Absence | None, stands_in_for: Sequence[Absence]) -> OutOfOfficeAnswer:
    """What somebody is told of absences."""
    absence = None
    if own is not None:
        absence = AbsenceAnswer(starts_at=own.starts_at, ends_at=own.ends_at, delegate_user_id=own.delegate_user_id)
    others = [StandInAnswer(user_id=a.user_id, ends_at=a.ends_at) for a in stands_in_for]
    return OutOfOfficeAnswer(user_id=user, absence=absence, stands_in_for=others)
