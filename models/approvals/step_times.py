"""The deadlines of steps as an organisation sets them: when a step is reminded of, when it is overdue, and who hears then."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from models import checks
from models.approvals.kinds import KINDS, ApprovalKind
from models.approvals.plan import ESCALATE_AFTER, FALLBACK, REMIND_AFTER, PlannedStep
from models.values import Body, Line

_Seconds = Annotated[int, Field(ge=1, le=366 * 86_400, strict=True)]


class StepTimes(Body):
    """Seconds from a step's beginning; absent: 24 and 48 hours. `fallback` is a role or a user id; absent: the next desk up."""

    model_config = ConfigDict(strict=False, allow_inf_nan=False)

    remind_after_seconds: _Seconds | None = None
    escalate_after_seconds: _Seconds | None = None
    fallback: Line | None = None

    @model_validator(mode="after")
    def _reminder_first(self) -> Self:
        if self._remind() >= self._escalate():
            raise checks.invalid("FIELD_RANGE", "The reminder comes before the escalation.")
        return self

    def _escalate(self) -> timedelta:
        return ESCALATE_AFTER if self.escalate_after_seconds is None else timedelta(seconds=self.escalate_after_seconds)

    def _remind(self) -> timedelta:
        if self.remind_after_seconds is not None:
            return timedelta(seconds=self.remind_after_seconds)
        return min(REMIND_AFTER, self._escalate() / 2)

    def step_of(self, role: str) -> PlannedStep:
        """A step of this role with these times."""
        return PlannedStep(role, self._remind(), self._escalate(), self.fallback or FALLBACK[role])


class RoleTimes(StepTimes):
    """The deadlines of the steps that one role decides."""

    role: Literal["ar_manager", "controller", "cfo"]


ROLES_OF_KIND: Final[Mapping[ApprovalKind, Sequence[str]]] = MappingProxyType(
    {kind: about.steps_of for kind, about in KINDS.items() if about.steps_of}
)
"""Kinds whose steps follow from limits of authority, with the roles that may have one. Their deadlines alone are set."""


def _kinds(value: object) -> object:
    if isinstance(value, Mapping) and (unknown := sorted(set(map(str, value)) - ROLES_OF_KIND.keys())):
        raise checks.invalid("FIELD_UNKNOWN", f"No such kind: {', '.join(unknown)[:100]}.")
    return value


def _each_once(value: list[RoleTimes]) -> list[RoleTimes]:
    roles = [one.role for one in value]
    if twice := {role for role in roles if roles.count(role) > 1}:
        raise checks.invalid("FIELD_INVALID", f"{min(twice)} is named twice.")
    return value


Deadlines = Annotated[
    dict[ApprovalKind, Annotated[list[RoleTimes], Field(max_length=len(FALLBACK)), AfterValidator(_each_once)]],
    BeforeValidator(_kinds),
]


def planned(
    deadlines: Mapping[ApprovalKind, Sequence[RoleTimes]], kind: str, roles: Iterable[str]
) -> list[PlannedStep]:
    """One step for each of these roles, in this order, with the deadlines of its kind and role."""
    own: dict[str, StepTimes] = {one.role: one for of, times in deadlines.items() if of == kind for one in times}
    return [own.get(role, _USUAL).step_of(role) for role in roles]


_USUAL: Final = StepTimes()
