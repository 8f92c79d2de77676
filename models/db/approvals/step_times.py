"""The deadlines that an organisation has set for steps that follow from limits of authority; they stand in its policy."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter

from models.approvals.kinds import ApprovalKind
from models.approvals.step_times import Deadlines, RoleTimes
from models.db.tx import Tx

_DEADLINES: Final[TypeAdapter[dict[ApprovalKind, list[RoleTimes]]]] = TypeAdapter(Deadlines)


def get(tx: Tx) -> Mapping[ApprovalKind, Sequence[RoleTimes]]:
    """By kind; nothing for what nobody has set."""
    return _DEADLINES.validate_python(
        tx.scalar("SELECT policy -> 'deadlines' FROM approval_policies WHERE org_id = :org") or {}
    )
