"""The kinds of approvals (`apr_*`): what each does when all have approved, and what it does when they have not.

A kind is registered beside what it approves:

    register(Kind("credit_note", issue_approved, follow, again))

and whoever may not decide something alone asks in the same transaction that keeps it: `ask(work, Asked(...))`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from models.approvals.approval import Approval, Asked
from models.approvals.kinds import ApprovalKind
from models.db.tx import Tx
from operations.work import Work


@dataclass(frozen=True)
class Kind:
    """`carry_out` does what was approved, by the work's own name, and raises Refusal where it can no longer be done (the
    approval is FAILED then). `follow` is told whenever the approval has moved otherwise: rejected, withdrawn, failed,
    open again; `approval.chain.status` says which. `again`: what a resubmission asks for, as things are now."""

    name: ApprovalKind
    carry_out: Callable[[Work, Approval], None]
    follow: Callable[[Work, Approval], None]
    again: Callable[[Tx, Approval], Asked]


_KINDS: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> None:
    """Make the kind known."""
    _KINDS[kind.name] = kind


def kind_of(approval: Approval) -> Kind:
    """What the approval's kind does."""
    return _KINDS[approval.kind]
