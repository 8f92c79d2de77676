"""Which steps a change needs: the table (docs/sources.md, CUS-9), and what an organisation adds to it. Never less than the table.

A policy is JSON: `{"operations": {"update": {"steps": [...], "rules": [...]}}, "force_delete": false,
"import_update_controller": false, "deadlines": {"write_off": [...]}}`. An operation that it does not name keeps the table's
steps. `deadlines` are of approvals whose steps follow from limits of authority.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, JsonValue

from models import checks
from models.access import AR_MANAGER, CFO, CONTROLLER, MANAGER, with_included
from models.approvals.plan import PlannedStep, steps_of_roles
from models.approvals.step_times import Deadlines, StepTimes
from models.customers.bodies import CreditLimit, Input
from models.values import Patch

Operation = Literal["create", "update", "reactivate", "deactivate", "delete", "import"]
Role = Literal["manager", "ar_manager", "controller", "cfo"]

BASE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "create": (AR_MANAGER, CONTROLLER),
        "update": (AR_MANAGER, CONTROLLER),
        "reactivate": (AR_MANAGER, CONTROLLER),
        "deactivate": (MANAGER, CONTROLLER),
        "delete": (MANAGER, CONTROLLER, CFO),
        "import": (MANAGER,),
    }
)
"""The approval table: the steps, in order, that no policy may leave out."""

STEPS_LIMIT: Final = 10


class StepPolicy(StepTimes):
    """A step of an organisation's own chain. `four_eyes`: two people of the role decide it, one after the other.

    `fallback` is a role or a user id. Times are seconds from the step's beginning.
    """

    role: Role
    four_eyes: bool = False

    def planned(self) -> list[PlannedStep]:
        """The step, or both of them."""
        step = self.step_of(self.role)
        return [step, step] if self.four_eyes else [step]


class ApprovalRule(Input):
    """An extra step where a credit limit of the change (master or override, in its own currency) is above an amount."""

    credit_limit_above: CreditLimit
    step: StepPolicy


class OperationPolicy(Input):
    """The steps of one operation; `steps` absent: the table's."""

    steps: list[StepPolicy] | None = Field(default=None, min_length=1, max_length=STEPS_LIMIT)
    rules: list[ApprovalRule] = Field(default_factory=list, max_length=STEPS_LIMIT)


def _operations(value: object) -> object:
    if isinstance(value, Mapping) and (unknown := sorted(set(value) - set(BASE))):
        raise checks.invalid("FIELD_UNKNOWN", f"No such operation: {', '.join(map(str, unknown))[:100]}.")
    return value


class ApprovalPolicy(Input):
    """`PUT /v1/approval-policies`: the whole policy of an organisation."""

    operations: Annotated[dict[Operation, OperationPolicy], BeforeValidator(_operations)] = Field(default_factory=dict)
    force_delete: bool = False
    import_update_controller: bool = False
    deadlines: Deadlines = Field(default_factory=dict)


class PutApprovalPolicy(Patch, ApprovalPolicy):
    """The policy as GET answers it. What the system adds may be sent back as it was read, and changes nothing: where it is absent
    it is not looked at, null is."""

    effective_steps: JsonValue = None
    effective_deadlines: JsonValue = None
    version: int | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None
    warnings: JsonValue = None

    def policy(self) -> ApprovalPolicy:
        """What is to hold, without what the system adds."""
        given = {k: v for k, v in self.dump().items() if k in ApprovalPolicy.model_fields}
        return ApprovalPolicy.model_validate(given)


def loosened(policy: ApprovalPolicy) -> list[str]:
    """The operations whose steps leave out, or put in another order, what the table asks."""
    return sorted(
        op
        for op, p in policy.operations.items()
        if p.steps is not None and not _contains([s.role for s in p.steps], BASE[op])
    )


def _contains(roles: Iterable[str], needed: Iterable[str]) -> bool:
    """Whether the needed roles stand among `roles` in their order; a role that includes a needed one serves for it."""
    there = iter(roles)
    return all(any(role in with_included([given]) for given in there) for role in needed)


def plan(policy: ApprovalPolicy, operation: str, credit_limits: Iterable[Decimal] = ()) -> list[PlannedStep]:
    """The steps of one change, in order. `credit_limits`: those that the change sets."""
    own = next((p for of, p in policy.operations.items() if of == operation), None)
    if own is None or own.steps is None:
        steps = [*steps_of_roles(BASE[operation])]
    else:
        steps = [one for s in own.steps for one in s.planned()]
    highest = max(credit_limits, default=None)
    for rule in own.rules if own is not None else []:
        if highest is not None and highest > rule.credit_limit_above and rule.step.role not in {s.role for s in steps}:
            steps += rule.step.planned()
    return steps


def lane(operation: str) -> Literal["yellow", "red"]:
    """The operation's risk, as the table has it; a policy that adds steps makes the chain longer, not the risk."""
    return "red" if operation == "delete" else "yellow"
