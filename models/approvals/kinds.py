"""What may be under approval, and by whose id it is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from models.access import AR_MANAGER, CFO, CONTROLLER

ApprovalKind = Literal[
    "customer_change", "import", "credit_note", "write_off", "deduction", "refund", "authority_limits"
]


@dataclass(frozen=True)
class About:
    """What holds for every approval of a kind. `seen_with`: the permission that shows them, that of reading what they are
    about. `red`: with their execution money leaves the house, or the rules change by which it may. `steps_of`: the roles that may
    have a step, where steps follow from limits of authority."""

    seen_with: str
    red: bool = False
    steps_of: tuple[str, ...] = ()


_ABOVE: Final = (AR_MANAGER, CONTROLLER, CFO)


KINDS: Final[Mapping[ApprovalKind, About]] = {
    "customer_change": About("changes.read"),
    "import": About("imports.read"),
    "credit_note": About("payments.read", steps_of=_ABOVE),
    "write_off": About("payments.read", steps_of=_ABOVE),
    "deduction": About("payments.read", steps_of=_ABOVE),
    "refund": About("payments.read", red=True),
    "authority_limits": About("settings.read", red=True, steps_of=(CONTROLLER, CFO)),
}


def moment_of(approval_id: str) -> str:
    """What of an id says when it was made: ids of all kinds are in the order of these."""
    return approval_id.partition("_")[2]
