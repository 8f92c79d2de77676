"""A customer change as it is kept, and the people who decide it. What follows from its chain of steps is said here, once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from models.answers import JsonObject, WarningAnswer
from models.customers.approval import ENDED, Chain, Decision, Step
from models.customers.approval_policy import ApprovalPolicy, lane
from models.customers.diff import Diff

ChangeOperation = Literal["create", "update", "deactivate", "reactivate", "delete"]
Channel = Literal["api", "signal", "update"]
"""How a decision came: over HTTP, or as a signal or an update of the change's process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDecision:
    """What one approver said, in whatever round. `on_behalf_of`: who had delegated the step."""

    id: str
    change_id: str
    round: int
    step: int
    role: str
    decision: Decision
    decided_by: str
    on_behalf_of: str | None
    reason_code: str | None
    comment: str | None
    channel: Channel
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one customer: what it does (`diff`; None once erased), what was asked (`request`), who has to approve.

    `entities`: the legal entities whose people decide it. `base_version`: of the customer when it was submitted.
    `closed_at` is kept of a failed change too, which its submitter may still move.
    """

    id: str
    operation: ChangeOperation
    customer_id: str
    legal_entity_id: str
    entities: Sequence[str]
    external_id: str | None
    mode: str | None
    force: bool
    reason_code: str | None
    submitted_at: datetime
    command_id: str
    workflow_id: str
    body_hash: str | None
    base_version: int | None
    request: JsonObject | None
    diff: Diff | None
    warnings: Sequence[WarningAnswer]
    chain: Chain
    decisions: tuple[ChangeDecision, ...] = ()
    failure_code: str | None = None
    failure_detail: str | None = None
    closed_at: datetime | None = None

    @property
    def lane(self) -> Literal["yellow", "red"]:
        """The risk of its operation."""
        return lane(self.operation)

    @property
    def awaiting(self) -> Step | None:
        """The step that is to be decided now; None where none is."""
        return self.chain.pending if self.chain.is_open else None

    @property
    def is_approved(self) -> bool:
        """Whether all have approved it and it is still to be carried out."""
        return self.chain.is_open and self.chain.complete

    @property
    def is_ended(self) -> bool:
        """Whether nobody can move it any more; a failed one waits for its submitter."""
        return self.chain.status in ENDED

    def is_covered_by(self, entities: "frozenset[str] | None") -> bool:
        """Whether a token for these legal entities (None: all) covers every one that it concerns: an override is its
        entity's people's."""
        return entities is None or entities.issuperset(self.entities)

    def moved_to(self, chain: Chain, now: datetime) -> "Change":
        """The change with its chain moved on."""
        return replace(self, chain=chain, closed_at=None if chain.is_open else now)

    def failed(self, chain: Chain, now: datetime, code: str, detail: str) -> "Change":
        """The change that could not be carried out, and why."""
        return replace(self.moved_to(chain, now), failure_code=code, failure_detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPolicy:
    """An organisation's approval policy; version 0 is the table that holds where none was put."""

    policy: ApprovalPolicy
    version: int = 0
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of somebody from the latest token of theirs that was verified."""

    user_id: str
    roles: Sequence[str]
    entities: Sequence[str] | None
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """From when to when somebody is away, and who stands in."""

    user_id: str
    delegate_user_id: str | None
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalToken:
    """Proof of who decides, for one person, change, round and step, once. `key` signs it and leaves the database never."""

    id: str
    change_id: str
    round: int
    step: int
    user_id: str
    roles: Sequence[str]
    entities: Sequence[str] | None
    key: bytes
    expires_at: datetime
    used_at: datetime | None = None
