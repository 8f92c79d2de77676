"""An import's review as a chain of approvals, kept with the import."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from models.approvals.chain import Chain, Step
from models.approvals.records import Lane, UnderApproval
from models.imports.records import Import, ImportStatus, ReviewStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(UnderApproval):
    """The review of an import, decided like everything that is under approval; its steps are kept with the import."""

    file: Import

    @property
    def lane(self) -> Lane:
        """The import's."""
        return "red" if self.file.lane == "red" else "yellow"

    @property
    def about(self) -> str:
        """An import."""
        return "import"

    @property
    def whose(self) -> str:
        """No single customer's."""
        return ""

    def is_covered_by(self, entities: frozenset[str] | None) -> bool:
        """By its own legal entity, and those whose customers it would change."""
        return covers(entities, self.file)

    def moved_to(self, chain: Chain, now: datetime) -> Self:
        """The review with its chain moved on; once all have approved, the import is carried out."""
        file = replace(self.file, steps=steps_of(chain))
        if chain.is_open and chain.complete:
            file = replace(file, status=ImportStatus.EXECUTING, started_at=file.started_at or now)
        return replace(self, chain=chain, file=file)


def review_of(one: Import) -> Review:
    """The import as something that is under approval."""
    return Review(
        id=one.id,
        legal_entity_id=one.legal_entity_id,
        submitted_at=one.created_at,
        workflow_id=one.workflow_id,
        warnings=(),
        chain=chain_of(one),
        file=one,
    )


def chain_of(one: Import) -> Chain:
    """The review's chain of steps, for the rule of approvals."""
    return Chain(one.submitted_by, tuple(_step(s) for s in one.steps))


def _step(s: ReviewStep) -> Step:
    return Step(
        number=s.step,
        role=s.role,
        remind_after=timedelta(seconds=s.remind_after),
        escalate_after=timedelta(seconds=s.escalate_after),
        fallback=s.fallback,
        status=s.status,
        started_at=s.started_at,
        remind_at=s.remind_at,
        due_at=s.due_at,
        decided_by=s.decided_by,
        decided_at=s.decided_at,
        on_behalf_of=s.on_behalf_of,
        reason_code=s.reason_code,
        comment=s.comment,
        delegation=s.delegation,
        escalated_at=s.escalated_at,
    )


def steps_of(chain: Chain) -> tuple[ReviewStep, ...]:
    """The chain as the import keeps it."""
    return tuple(
        ReviewStep(
            step=s.number,
            role=s.role,
            status=s.status,
            decided_by=s.decided_by,
            decided_at=s.decided_at,
            on_behalf_of=s.on_behalf_of,
            reason_code=s.reason_code,
            comment=s.comment,
            started_at=s.started_at,
            remind_at=s.remind_at,
            due_at=s.due_at,
            escalated_at=s.escalated_at,
            remind_after=s.remind_after.total_seconds(),
            escalate_after=s.escalate_after.total_seconds(),
            fallback=s.fallback,
            delegation=s.delegation,
        )
        for s in chain.steps
    )


def covers(entities: frozenset[str] | None, one: Import) -> bool:
    """Whether a token of these legal entities reaches all that the import would create and change."""
    touched = () if one.summary is None else one.summary.legal_entities
    return entities is None or entities.issuperset({one.legal_entity_id, *touched})


def as_seen(one: Import, entities: frozenset[str] | None) -> Import:
    """The import for a reader of these legal entities: nobody reads another entity's customers by way of a file."""
    if one.summary is None or covers(entities, one):
        return one
    return replace(one, summary=replace(one.summary, changes=None))


def notice_of(one: Import) -> str:
    """What an upload is told that is an earlier import again."""
    ended = (
        "is still under way"
        if one.ended_at is None
        else f"ended as {one.status.value} at {one.ended_at:%Y-%m-%d %H:%M} UTC"
    )
    return (
        f"This file was uploaded with these options by {one.submitted_by} at {one.created_at:%Y-%m-%d %H:%M} UTC; that import "
        f"{ended}, and nothing was begun now. To run the file anew, send it with an Idempotency-Key of its own."
    )
