"""A customer change as it is kept, and the policy that says who decides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.answers import JsonObject
from models.approvals.records import Lane, UnderApproval
from models.customers.approval_policy import ApprovalPolicy, lane
from models.customers.diff import Diff

ChangeOperation = Literal["create", "update", "deactivate", "reactivate", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(UnderApproval):
    """A change of one customer: what it does (`diff`; None once erased), what was asked (`request`), who has to approve.

    `entities`: the legal entities whose people decide it. `base_version`: of the customer when it was submitted.
    """

    legal_entity_id: str
    operation: ChangeOperation
    customer_id: str
    entities: Sequence[str]
    external_id: str | None
    mode: str | None
    force: bool
    reason_code: str | None
    command_id: str
    body_hash: str | None
    base_version: int | None
    request: JsonObject | None
    diff: Diff | None

    @property
    def lane(self) -> Lane:
        """The risk of its operation."""
        return lane(self.operation)

    @property
    def about(self) -> str:
        """Its operation."""
        return self.operation

    @property
    def whose(self) -> str:
        """Its customer."""
        return self.customer_id

    def is_covered_by(self, entities: "frozenset[str] | None") -> bool:
        """Whether a token for these legal entities (None: all) covers every one that it concerns: an override is its
        entity's people's."""
        return entities is None or entities.issuperset(self.entities)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicy:
    """An organisation's approval policy; version 0 is the table that holds where none was put."""

    policy: ApprovalPolicy
    version: int = 0
    updated_at: datetime | None = None
    updated_by: str | None = None
