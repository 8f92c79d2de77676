"""Events on their way out: as the outbox keeps them, and as CloudEvents 1.0 writes them. What each type says:
`models.events`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from models.answers import JsonObject, Page, answer
from models.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is kept with what it tells of, and published after it is committed."""

    id: str
    type: str
    subject: str
    data: Facts
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """A published event; `position` rises in the order of publication. `subject` is the id of the record it is about."""

    org_id: str
    id: str
    type: str
    subject: str
    data: JsonObject
    at: datetime
    position: int


UtcMoment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time written as CloudEvents' examples do: with Z."""


@answer
class CloudEventAnswer:
    """An event in the JSON format of CloudEvents 1.0. `subject` is the record's id; the fields of `data` go by `type`, and
    amounts in it are minor units. `arflowposition` rises in the order of publication."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: UtcMoment
    datacontenttype: Literal["application/json"]
    data: JsonObject
    arflowposition: int


def cloud_event(e: OutboxEvent) -> CloudEventAnswer:
    return CloudEventAnswer(
        specversion="1.0",
        id=e.id,
        source=f"/organisations/{e.org_id}",
        type=e.type,
        subject=e.subject,
        time=e.at.isoformat().replace("+00:00", "Z"),
        datacontenttype="application/json",
        data=e.data,
        arflowposition=e.position,
    )


@answer
class EventFeedAnswer:
    """A page of the feed. `next_cursor` is null at its end for now; `resume_cursor` asks for what comes later."""

    items: Sequence[CloudEventAnswer]
    next_cursor: str | None
    resume_cursor: str


def event_feed(page: Page[CloudEventAnswer], resume_cursor: str) -> EventFeedAnswer:
    return EventFeedAnswer(items=page.items, next_cursor=page.next_cursor, resume_cursor=resume_cursor)
