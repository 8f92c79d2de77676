"""Lists: `?limit=` (1-200, default 50) and `?cursor=`, answered as `{"items": [...], "next_cursor": str | null}`.

A cursor is the sort key of the last item shown, base64url of a JSON array that begins with the list's name. It grants
nothing: whatever it says, row-level security and the route's own filters decide what is listed. Usage:

    after = page.after("invoices", date, str)                # None on the first page, else (due_date, id)
    found = list_invoices(tx, after=after, limit=page.fetch)   # one more than the page, to know whether there is more
    return page.of("invoices", found, key=lambda i: (i.due_date, i.id), item=invoice_answer)
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from api.problems import invalid
from models.answers import Page
from models.errors import FieldError, Refusal

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_LONGEST_CURSOR: Final = 2048

Row = TypeVar("Row")
Item = TypeVar("Item")
KeyPart = str | int | date | datetime | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that was asked for."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    @property
    def fetch(self) -> int:
        """How many rows to fetch: one more than shown tells whether there is a next page."""
        return self.limit + 1

    def after(self, name: str, *types: type) -> tuple[Any, ...] | None:
        """The sort key after which the page begins; None on the first.

        `types` are those of the key's parts (str, int, date, datetime; a part may also be None). `422` for a cursor
        that is not one of this list's.
        """
        if self.cursor is None:
            return None
        found = _decode(self.cursor)
        if len(found) != len(types) + 1 or found[0] != name:
            raise _bad_cursor()
        return tuple(_part(value, kind) for value, kind in zip(found[1:], types, strict=True))

    def of(
        self, name: str, records: Sequence[Row], key: Callable[[Row], Sequence[KeyPart]], item: Callable[[Row], Item]
    ) -> Page[Item]:
        """The page as it is answered, from up to `fetch` records in the list's order."""
        items = records[: self.limit]
        more = _encode(name, key(items[-1])) if len(records) > self.limit else None
        return Page(items=[item(record) for record in items], next_cursor=more)

    @staticmethod
    def cursor_at(name: str, key: Sequence[KeyPart]) -> str:
        """A cursor to go on from: for a list that grows at its end."""
        return _encode(name, key)


def page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> PageRequest:
    """The dependency behind `api.deps.Paging`."""
    return PageRequest(limit, cursor)


def _encode(name: str, key: Sequence[KeyPart]) -> str:
    parts = [name, *(part.isoformat() if isinstance(part, date) else part for part in key)]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> list[Any]:
    try:
        padded = cursor[:_LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(found, list) or not found:
        raise _bad_cursor()
    return found


def _part(value: Any, kind: type) -> Any:
    """One part of the key, as the type that the list sorts by; anything forged or garbled is a bad cursor."""
    try:
        if value is None:
            return None
        if kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError
            return moment
        if kind is date:
            return date.fromisoformat(value)
        if type(value) is not kind or (isinstance(value, int) and abs(value) >= 2**63):
            raise TypeError
        if isinstance(value, str):
            value.encode()  # half a surrogate cannot be sent to the database, nor can NUL
            if "\0" in value:
                raise ValueError
    except (TypeError, ValueError):
        raise _bad_cursor() from None
    return value


def _bad_cursor() -> Refusal:
    return invalid(FieldError("/query/cursor", "CURSOR_INVALID", "The cursor is not one of this list's."))
