"""Points in time in queries."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?")


def _moment(value: Any) -> Any:
    # A plus sign that was not percent-encoded arrives as a space.
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", value) if isinstance(value, str) and value.count(":") > 2 else value
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise PydanticCustomError("DATE_INVALID", "A moment is written 2026-01-31T12:00:00Z, or 2026-01-31")
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("DATE_INVALID", "There is no such moment") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _until(value: Any) -> Any:
    found = _moment(value)
    return found if isinstance(found, datetime) else datetime.combine(found, time.max, UTC)


def _since(value: Any) -> Any:
    found = _moment(value)
    return found if isinstance(found, datetime) else datetime.combine(found, time.min, UTC)


Until = Annotated[datetime, BeforeValidator(_until)]
"""A moment (UTC unless it says otherwise); a date means its end."""
Since = Annotated[datetime, BeforeValidator(_since)]
"""A moment (UTC unless it says otherwise); a date means its beginning."""
