"""The families of what chains of approval decide: customer changes, and everything else that is asked for by an approval of its
own. Each says how it is kept, what is said of it, and how it is carried out; what people and deadlines do to it is one
(`acts`, `deadlines`, `tokens`)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import Engine

from models.approvals.chain import Decision
from models.approvals.records import StepDecision, UnderApproval
from models.db.tx import Tx
from models.errors import Refusal
from models.facts import Facts, Record
from operations.commands import own_command
from operations.work import Work

T = TypeVar("T", bound=UnderApproval)


@dataclass(frozen=True)
class AtOnce(Generic[T]):
    """What became of what was approved; `work`: the audit and events of it in the name of the system."""

    one: T
    work: Work | None = None


class Store(Protocol[T]):
    """How a family is kept: a module of models/db, or what stands for one."""

    def get(self, tx: Tx, approval_id: str, /, *, lock: bool = False) -> T:
        """The record, locked against every other act if asked; 404 or 403 where it is not ours."""

    def now_at(self, engine: Engine, org_id: str, approval_id: str, /) -> tuple[T, datetime] | None:
        """The record and the database's time of saying so; None where there is none."""

    def save(self, tx: Tx, before: T, after: T, /) -> None:
        """Write a locked record as it has moved."""

    def add_decision(self, tx: Tx, approval_id: str, decision: StepDecision, /) -> None:
        """Keep what an approver said."""


class Family(ABC, Generic[T]):
    """One family. `word` begins the names of its audit actions, `noun` those of its exceptions and operations; `decided`,
    `reminded` and `escalated` are its events."""

    store: Store[T]
    word: str
    noun: str
    decided: str
    reminded: str
    escalated: str
    overdue = "approval_overdue"
    """The kind of exception that a step is while nobody decides it."""

    @abstractmethod
    def ids(self, one: T) -> Facts:
        """By what its events and exceptions name it."""

    @abstractmethod
    def carry_out(self, tx: Tx, one: T, request_id: str) -> int | None:
        """Do what was approved; the version from then on of what has one. Raises Refusal where it can no longer be done."""

    @abstractmethod
    def answer(self, one: T) -> Record:
        """What whoever decides it is answered."""

    def may_be_at_once(self, one: T) -> bool:
        """Whether it is carried out in the transaction of the last decision; else its process does it."""
        return True

    def record_execution(self, work: Work, one: T, effect: int | None) -> None:
        """Tell the trail and the world that it was carried out."""
        return

    def afterwards(self, work: Work, one: T) -> list[str]:
        """What its process does in the same transaction once all is written; other processes to tell that they are over."""
        return []

    def follow(self, work: Work, one: T) -> None:
        """It is not carried out any more, or was given back: what it is about follows."""
        return

    first_step = 1
    """The number by which people know the first step of its chains."""

    def over(self, work: Work, one: T) -> T:
        """It was rejected, or withdrawn: nothing is carried out any more."""
        return one

    def delegated(self, work: Work, one: T, step: int) -> T:
        """A step of it was given to somebody: as whoever gave it is answered."""
        return one

    def must_be_open(self, one: T) -> None:
        """What has to be so before anything of the chain is looked at."""
        return

    def may(self, decision: Decision) -> None:
        """Whether this may be said of it at all."""
        return

    def refusal(self, no: Refusal) -> Refusal:
        """A refusal of the chain's in the family's own words."""
        return no

    def own_step(self, number: int) -> int:
        """The chain's number of the step that people know by this one."""
        return number - self.first_step + 1

    def shown_step(self, number: int) -> int:
        """The number by which people know the chain's step."""
        return number + self.first_step - 1

    def require_cover(self, one: T, entities: frozenset[str] | None) -> None:
        """403 unless a token for these legal entities covers it."""
        if not one.is_covered_by(entities):
            raise Refusal("FORBIDDEN", f"Your token does not cover this {self.noun}'s legal entities.")


FAMILIES: Final[dict[str, Family[Any]]] = {}
"""By the prefix of their ids; each adds itself where it is defined."""


def family_of(approval_id: str) -> Family[UnderApproval]:
    """The family that a record of this id is of."""
    return FAMILIES[approval_id.partition("_")[0]]


def require_family(approval_id: str) -> None:
    """Raises APPROVAL_NOT_FOUND for an id that none has."""
    if approval_id.partition("_")[0] not in FAMILIES:
        raise Refusal("APPROVAL_NOT_FOUND", f"There is no approval {approval_id}.")


def system_work(tx: Tx, one: UnderApproval, operation: str, request_id: str | None = None) -> Work:
    """The system's own work: nobody but the approvers is behind it, and the request is the last approver's."""
    cmd = own_command(operation, request_id=request_id, workflow_id=one.workflow_id, resource_id=one.id)
    return Work(tx, cmd)
