"""An exception as it is kept, and who may deal with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.access import PERMISSIONS, with_included
from models.answers import JsonObject
from models.facts import Facts


class ExceptionStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewException:
    """What is put on a desk: that of a role, or of one person."""

    id: str
    kind: str
    reason_code: str
    subject_id: str
    owner_role: str | None
    owner_user: str | None
    legal_entity_id: str | None
    detail: Facts
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """Something that waits for a person: on a role's desk (`owner_role`) or a person's (`owner_user`). Times in UTC."""

    id: str
    kind: str
    reason_code: str
    subject_id: str
    owner_role: str | None
    owner_user: str | None
    legal_entity_id: str | None
    detail: JsonObject
    status: ExceptionStatus
    created_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_code: str | None
    note: str | None

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is past its due time and still open."""
        return self.status is ExceptionStatus.OPEN and self.due_at < now

    def is_own(self, actor: str, roles: Iterable[str]) -> bool:
        """Whether it lies on this person's desk: by name, or by a role of theirs."""
        return self.owner_user == actor or self.owner_role in with_included(roles)

    def may_write(self, actor: str, roles: Iterable[str]) -> bool:
        """Own ones, or everybody's for those whom the role table gives them all."""
        given = with_included(roles)
        return not PERMISSIONS["exceptions.write_all"].isdisjoint(given) or self.is_own(actor, given)
