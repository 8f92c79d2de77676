"""Points in time in queries."""

import re
from datetime import datetime, time
from typing import Annotated

from pydantic import BeforeValidator

from models import checks


def _moment(value: object, of_a_date: time) -> datetime:
    # A plus sign that was not percent-encoded arrives as a space.
    sent = re.sub(r" (\d{2}:\d{2})$", r"+\1", value) if isinstance(value, str) and value.count(":") > 2 else value
    return checks.utc(sent, of_a_date)


def _until(value: object) -> datetime:
    return _moment(value, time.max)


def _since(value: object) -> datetime:
    return _moment(value, time.min)


Until = Annotated[datetime, BeforeValidator(_until)]
"""A moment (UTC unless it says otherwise); a date means its end."""
Since = Annotated[datetime, BeforeValidator(_since)]
"""A moment (UTC unless it says otherwise); a date means its beginning."""
