"""The feed of events: what was published, in order, from any point on."""

import time
from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.paging import PageRequest
from api.problems import invalid
from api.reading import reading
from models.db.outbox import list_events as published_events
from models.db.outbox import newest_unpublished
from models.db.retention import horizon
from models.errors import FieldError
from models.outbox import EventFeedAnswer, cloud_event, event_feed

router = gated_router("events")

RELAY_SECONDS: Final = 1.0
"""How long a reader waits for the relay, so that who has just written finds what follows from it in the feed."""


def _refuse_a_gap(request: Request, who: Principal, start: int) -> None:
    """A reader that comes from before what was taken away has missed events, and must know it."""
    with reading(request, who) as tx:
        if start < horizon(tx):
            detail = (
                "Events after this cursor were taken away; without a cursor, the feed begins with the oldest there is."
            )
            raise invalid(FieldError("/query/cursor", "CURSOR_EXPIRED", detail))


@router.get("/v1/events", response_model=EventFeedAnswer)
def list_events(
    request: Request,
    who: Annotated[Principal, requires("events.read")],
    page: Paging,
    event_type: Annotated[str | None, Query(alias="type", description="Only events of this type")] = None,
    subject: Annotated[str | None, Query(description="Only events about this record")] = None,
) -> Response:
    """Events as CloudEvents, in the order of publication.

    What was committed before the request is waited for, as long as `RELAY_SECONDS`. `next_cursor` is null at the end;
    `resume_cursor` always tells from where to ask again for what comes later.
    """
    after = page.after("events", int)
    start = after[0] if after else 0
    if start:
        _refuse_a_gap(request, who, start)
    deadline, waited_for = time.monotonic() + RELAY_SECONDS, None
    while True:
        with reading(request, who) as tx:
            waited_for = newest_unpublished(tx, waited_for)
            if waited_for is None or time.monotonic() > deadline:
                found = published_events(tx, who.entities, event_type, subject, start, page.fetch)
                break
        time.sleep(0.05)
    last = found[: page.limit][-1].position if found else start
    items = page.of("events", found, key=lambda e: (e.position,), item=cloud_event)
    return shown(event_feed(items, PageRequest.cursor_at("events", (last,))))
