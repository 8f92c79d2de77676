"""What is asked of the list of approvals, and who may see which kind."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from models.access import Principal, with_included
from models.approvals.chain import ChangeStatus
from models.approvals.kinds import KINDS, ApprovalKind

WAITING: Final = frozenset({ChangeStatus.PENDING_APPROVAL, ChangeStatus.FAILED})
"""What somebody has to move on: an approver, or the submitter of what could not be carried out."""


def kinds_seen(who: Principal) -> frozenset[ApprovalKind]:
    """The kinds whose approvals this person may read."""
    return frozenset(kind for kind, about in KINDS.items() if who.may(about.seen_with))


@dataclass(frozen=True)
class Wanted:
    """Which approvals: of these kinds, in these statuses; `awaiting`: only those whose pending step the person may decide
    now; `submitted`: only the person's own. `after`: the moment of the last one shown."""

    who: Principal
    kinds: Collection[ApprovalKind]
    statuses: frozenset[ChangeStatus]
    awaiting: bool
    submitted: bool
    after: str | None
    limit: int

    @property
    def roles(self) -> list[str]:
        """Those that the person holds, where something can be decided at all."""
        return sorted(with_included(self.who.roles)) if ChangeStatus.PENDING_APPROVAL in self.statuses else []

    @property
    def submitted_by(self) -> str | None:
        return self.who.sub if self.submitted else None
