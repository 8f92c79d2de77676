"""The steps that a chain is planned with: each one's role, its deadlines, and who hears of it when it is overdue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from models.access import AR_MANAGER, CFO, CONTROLLER, MANAGER

FALLBACK: Final[Mapping[str, str]] = MappingProxyType(
    {MANAGER: CONTROLLER, AR_MANAGER: CONTROLLER, CONTROLLER: CFO, CFO: CONTROLLER}
)
"""Who hears of an overdue step where nobody else is named: the next desk up."""

REMIND_AFTER: Final = timedelta(hours=24)
ESCALATE_AFTER: Final = timedelta(hours=48)


@dataclass(frozen=True)
class PlannedStep:
    """One step to come: its role, its deadlines from its beginning, and who hears when it is overdue."""

    role: str
    remind_after: timedelta = REMIND_AFTER
    escalate_after: timedelta = ESCALATE_AFTER
    fallback: str = CONTROLLER


def steps_of_roles(roles: "tuple[str, ...]") -> tuple[PlannedStep, ...]:
    """One step for each of these roles, in this order, with the usual deadlines."""
    return tuple(PlannedStep(role, fallback=FALLBACK[role]) for role in roles)
