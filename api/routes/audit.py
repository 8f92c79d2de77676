"""The audit trail, read by those who may."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.moments import Since, Until
from api.reading import reading
from models.answers import Page
from models.audit.answers import AuditEventAnswer, audit_event_answer
from models.db import audit

router = gated_router("audit")


@router.get("/v1/audit-events", response_model=Page[AuditEventAnswer])
def list_audit_events(
    request: Request,
    who: Annotated[Principal, requires("audit.read")],
    page: Paging,
    subject_id: Annotated[str | None, Query(description="The record whose chain it is")] = None,
    actor: Annotated[str | None, Query(description="Who did it")] = None,
    since: Annotated[
        Since | None, Query(alias="from", description="From this moment; a date means its beginning")
    ] = None,
    until: Annotated[Until | None, Query(alias="to", description="To this moment; a date means its end")] = None,
) -> Response:
    """Who did what, when and why, in order; each event carries the hash of the one before it."""
    name = "audit-subject" if subject_id is not None else "audit"
    after = page.after(name, int) if subject_id is not None else page.after(name, datetime, str, int)
    place = audit.OF_ALL if subject_id is None else audit.OF_SUBJECT
    with reading(request, who) as tx:
        found = audit.list_audit_events(
            tx, who.entities, subject_id=subject_id, actor=actor, since=since, until=until, after=after,
            limit=page.fetch,
        )  # fmt: skip
    return shown(page.of(name, found, key=lambda e: [getattr(e, part) for part in place], item=audit_event_answer))
