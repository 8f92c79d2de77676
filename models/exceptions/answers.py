"""An exception as the API shows it."""

from datetime import datetime

from models.answers import JsonObject, answer
from models.exceptions.records import ExceptionRecord, ExceptionStatus


@answer
class ExceptionAnswer:
    """Something that waits for a person. `detail` is what its kind has to say; times in UTC."""

    id: str
    kind: str
    reason_code: str
    subject_id: str
    owner_role: str | None
    owner_user: str | None
    legal_entity_id: str | None
    detail: JsonObject
    status: ExceptionStatus
    resolved_by: str | None
    resolution_code: str | None
    note: str | None
    created_at: datetime
    due_at: datetime
    overdue: bool
    resolved_at: datetime | None


def exception_answer(e: ExceptionRecord, now: datetime) -> ExceptionAnswer:
    """The exception as it stands `now`."""
    return ExceptionAnswer(
        id=e.id,
        kind=e.kind,
        reason_code=e.reason_code,
        subject_id=e.subject_id,
        owner_role=e.owner_role,
        owner_user=e.owner_user,
        legal_entity_id=e.legal_entity_id,
        detail=e.detail,
        status=e.status,
        resolved_by=e.resolved_by,
        resolution_code=e.resolution_code,
        note=e.note,
        created_at=e.created_at,
        due_at=e.due_at,
        overdue=e.is_overdue(now),
        resolved_at=e.resolved_at,
    )
