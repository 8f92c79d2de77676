"""The feed of events: what was published, in order, from any point on."""

import time
from typing import Annotated, Any, Final

from fastapi import Query, Request

from api.deps import Paging, Principal, requires
from api.gate import gated_router
from api.paging import PageRequest
from api.reading import reading
from models.db.event_reads import cloud_event, list_events, newest_unpublished

router = gated_router("events")

RELAY_SECONDS: Final = 1.0
"""How long a reader waits for the relay, so that who has just written finds what follows from it in the feed."""


@router.get("/v1/events")
def events(
    request: Request,
    who: Annotated[Principal, requires("events.read")],
    page: Paging,
    event_type: Annotated[str | None, Query(alias="type", description="Only events of this type")] = None,
    subject: Annotated[str | None, Query(description="Only events about this record")] = None,
) -> dict[str, Any]:
    """Events as CloudEvents, in the order of publication.

    What was committed before the request is waited for, as long as `RELAY_SECONDS`. `next_cursor` is null at the end;
    `resume_cursor` always tells from where to ask again for what comes later.
    """
    after = page.after("events", int)
    start = after[0] if after else 0
    deadline, waited_for = time.monotonic() + RELAY_SECONDS, None
    while True:
        with reading(request, who) as tx:
            waited_for = newest_unpublished(tx, waited_for)
            if waited_for is None or time.monotonic() > deadline:
                rows = list_events(tx, who.entities, event_type, subject, start, page.fetch)
                break
        time.sleep(0.05)
    body = page.answer("events", rows, key=lambda r: (r["position"],), item=cloud_event)
    last = rows[: page.limit][-1]["position"] if rows else start
    return body | {"resume_cursor": PageRequest.cursor_at("events", (last,))}
