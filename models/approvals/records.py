"""What is kept of anything that is under approval, and of the people who decide it. What follows from its chain of steps is
said here, once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self

from models.answers import WarningAnswer
from models.approvals.chain import ENDED, Chain, Decision, Step

Lane = Literal["yellow", "red"]
Channel = Literal["api", "signal", "update"]
"""How a decision came: over HTTP, or as a signal or an update of the approval's process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDecision:
    """What one approver said, in whatever round. `on_behalf_of`: who had delegated the step."""

    id: str
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
class UnderApproval(ABC):
    """Whatever a chain of approvers decides. `legal_entity_id`: whose people decide it; None: those of all of them.
    `closed_at` is kept of a failed one too, which its submitter may still move."""

    id: str
    legal_entity_id: str | None
    submitted_at: datetime
    workflow_id: str
    warnings: Sequence[WarningAnswer]
    chain: Chain
    decisions: tuple[StepDecision, ...] = ()
    failure_code: str | None = None
    failure_detail: str | None = None
    closed_at: datetime | None = None

    @property
    @abstractmethod
    def lane(self) -> Lane:
        """Its risk."""

    @property
    @abstractmethod
    def about(self) -> str:
        """What is asked for, in a word: a change's operation, an approval's kind."""

    @property
    @abstractmethod
    def whose(self) -> str:
        """The customer that it is about; empty where it is about none."""

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
        """Whether a token for these legal entities (None: all) covers it."""
        return entities is None or self.legal_entity_id in entities

    def moved_to(self, chain: Chain, now: datetime) -> Self:
        """The same with its chain moved on."""
        return replace(self, chain=chain, closed_at=None if chain.is_open else now)

    def decided(self, chain: Chain, now: datetime, decision: StepDecision) -> Self:
        """The same with one decision more."""
        return replace(self.moved_to(chain, now), decisions=(*self.decisions, decision))

    def failed(self, chain: Chain, now: datetime, code: str, detail: str) -> Self:
        """The same as what could not be carried out, and why."""
        return replace(self.moved_to(chain, now), failure_code=code, failure_detail=detail)


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
    """Proof of who decides, for one person, change (or import, or other approval), round and step, once. `key` signs it and
    leaves the database never."""

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
