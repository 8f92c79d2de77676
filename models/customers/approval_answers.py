"""What is answered about those who approve: the policy, who is away, the tokens of signals. Times in UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from models.answers import WarningAnswer, answer
from models.approvals.plan import PlannedStep
from models.approvals.records import Absence
from models.approvals.step_times import ROLES_OF_KIND, RoleTimes, planned
from models.customers.approval_policy import BASE, OperationPolicy, StepPolicy, plan
from models.customers.change_records import KeptPolicy
from models.money import plain_text


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
class RoleTimesAnswer:
    """The deadlines of the steps that one role decides, as they were put: seconds from a step's beginning."""

    role: str
    remind_after_seconds: int | None
    escalate_after_seconds: int | None
    fallback: str | None


@answer
class EffectiveDeadlineAnswer:
    """The deadlines of a role's step, where an approval of the kind has one."""

    role: str
    remind_after_seconds: int
    escalate_after_seconds: int
    fallback: str


@answer
class ApprovalPolicyAnswer:
    """The policy as it was put, and what follows from it: the steps of each operation, and the deadlines of approvals whose
    steps follow from limits of authority. It may be put as it was read. `warnings`: what whoever put it should look at again."""

    operations: Mapping[str, OperationPolicyAnswer]
    force_delete: bool
    import_update_controller: bool
    deadlines: Mapping[str, Sequence[RoleTimesAnswer]]
    effective_steps: Mapping[str, Sequence[EffectiveStepAnswer]]
    effective_deadlines: Mapping[str, Sequence[EffectiveDeadlineAnswer]]
    version: int
    updated_at: datetime | None
    updated_by: str | None
    warnings: Sequence[WarningAnswer]


def policy_answer(kept: KeptPolicy, warnings: Sequence[WarningAnswer] = ()) -> ApprovalPolicyAnswer:
    """The policy, with what follows from it."""
    policy = kept.policy
    return ApprovalPolicyAnswer(
        operations={operation: _operation_policy(p) for operation, p in policy.operations.items()},
        force_delete=policy.force_delete,
        import_update_controller=policy.import_update_controller,
        deadlines={kind: [_role_times(t) for t in times] for kind, times in policy.deadlines.items()},
        effective_steps={op: [_effective(n, s) for n, s in enumerate(plan(policy, op), 1)] for op in BASE},
        effective_deadlines={
            kind: [_effective_deadline(s) for s in planned(policy.deadlines, kind, roles)]
            for kind, roles in ROLES_OF_KIND.items()
        },
        version=kept.version,
        updated_at=kept.updated_at,
        updated_by=kept.updated_by,
        warnings=warnings,
    )


def _operation_policy(p: OperationPolicy) -> OperationPolicyAnswer:
    rules = [
        PolicyRuleAnswer(credit_limit_above=plain_text(r.credit_limit_above), step=_step_policy(r.step))
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


def _role_times(t: RoleTimes) -> RoleTimesAnswer:
    return RoleTimesAnswer(
        role=t.role,
        remind_after_seconds=t.remind_after_seconds,
        escalate_after_seconds=t.escalate_after_seconds,
        fallback=t.fallback,
    )


def _effective_deadline(s: PlannedStep) -> EffectiveDeadlineAnswer:
    return EffectiveDeadlineAnswer(
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
