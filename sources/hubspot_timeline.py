"""HubSpot's timeline of a company: its latest notes, calls, e-mails and meetings, as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Final

import httpx2

from models.customer_360.panels import TIMELINE
from models.customer_360.records import ActivityType, HeardActivity
from sources.hubspot_rest import Rest, following, properties, record_id, results
from sources.protocol import Asked, Connection, SourceError

_NOTES_LIMIT: Final = 20_000
_MAX_PAGES: Final = 10
_BREAKS: Final = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3"})
_SILENT: Final = frozenset({"style", "script", "head"})


@dataclass(frozen=True)
class _Kind:
    """What one kind of engagement is called, and which of its properties says what was said: a title, a text."""

    objects: str
    type: ActivityType
    text_properties: Sequence[str]


_KINDS: Final = (
    _Kind("notes", ActivityType.NOTE, ("hs_note_body",)),
    _Kind("calls", ActivityType.CALL, ("hs_call_title", "hs_call_body")),
    _Kind("emails", ActivityType.EMAIL, ("hs_email_subject", "hs_email_text")),
    _Kind("meetings", ActivityType.MEETING, ("hs_meeting_title", "hs_meeting_body")),
)


async def timeline(
    rest: Rest, http: httpx2.AsyncClient, c: Connection, company: str, asked: Asked
) -> list[HeardActivity]:
    """The latest activities of all kinds together. Raises SourceError."""
    found: list[HeardActivity] = []
    for kind in _KINDS:
        found += [_heard(kind, record, asked) for record in await _latest(rest, http, c, kind, company)]
    return sorted(found, key=lambda one: (one.occurred_at, one.external_id), reverse=True)[:TIMELINE]


async def _latest(
    rest: Rest, http: httpx2.AsyncClient, c: Connection, kind: _Kind, company: str
) -> list[Mapping[str, object]]:
    of_company = {"propertyName": "associations.company", "operator": "EQ", "value": company}
    body: dict[str, object] = {
        "filterGroups": [{"filters": [of_company]}], "properties": ["hs_timestamp", *kind.text_properties], "limit": TIMELINE,
        "sorts": [{"propertyName": "hs_timestamp", "direction": "DESCENDING"}],
    }  # fmt: skip
    records: list[Mapping[str, object]] = []
    for _ in range(_MAX_PAGES):
        page = await rest.post(http, c, f"/crm/v3/objects/{kind.objects}/search", body)
        records += results(page)
        after = following(page)
        if after is None or len(records) >= TIMELINE:
            return records[:TIMELINE]
        body["after"] = after
    raise SourceError("SOURCE_RESPONSE_TOO_LARGE", "pages")


def _heard(kind: _Kind, record: Mapping[str, object], asked: Asked) -> HeardActivity:
    found = properties(record)
    texts = [text for name in kind.text_properties if (text := text_of(found.get(name, "")))]
    return HeardActivity(
        external_id=f"{kind.objects}/{record_id(record)}",
        customer_id=asked.customer_id,
        type=kind.type,
        notes="\n\n".join(texts)[:_NOTES_LIMIT] or kind.type.capitalize(),
        occurred_at=_moment(found.get("hs_timestamp")),
    )


def _moment(value: str | None) -> datetime:
    """A moment in ISO 8601; in older accounts milliseconds since 1970."""
    try:
        if value is not None and value.isdecimal():
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        at = datetime.fromisoformat(value or "")
    except (ValueError, OverflowError, OSError):
        raise SourceError("SOURCE_RESPONSE_INVALID", "hs_timestamp") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _Text(HTMLParser):
    """Collects what a reader of the markup would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def text_of(markup: str) -> str:
    """The text of a note that was written with markup: its lines, without what no text may hold."""
    reader = _Text()
    reader.feed(markup[: _NOTES_LIMIT * 4])
    reader.close()
    lines = (
        " ".join("".join(c if c.isprintable() else " " for c in line).split())
        for line in "".join(reader.parts).split("\n")
    )
    return "\n".join(line for line in lines if line)
