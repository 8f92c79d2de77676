"""The field types of request bodies, and their base class.

Bodies are strict: an unknown field, `"12"` or `12.0` or `true` for 12, a datetime for a date are refused. They arrive
as Python values from `api.json_body` (fractions as `Decimal`), so no number ever passes through a float.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import PydanticCustomError

from models import checks
from models.money import INT64_MAX as INT64_MAX

T = TypeVar("T")


class Body(BaseModel):
    """A request body, or an object inside one. Strict: for an enum say `Choice[MyEnum]`, for a date `IsoDate`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Patch(Body):
    """A body of changes: a field that was not sent stays as it is, and is not kept with the request either."""

    @model_serializer(mode="wrap")
    def _what_was_sent(self, dump: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}


class Grown(Body):
    """A body that has fields which earlier builds did not know. As long as they say nothing they are not kept either: a
    request that is repeated across the change is the same request, with the same hash."""

    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _what_says_something(self, dump: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        return {name: value for name, value in dump(self).items() if name not in self.LATER or value not in (None, [])}


class Empty(Body):
    """The body of a write that needs none: `body: Empty | None = None` refuses any field."""


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    plain = re.fullmatch(r"[\x21-\x7e]+", url) is not None and "\\" not in url
    if not (named and plain) or parts.scheme not in ("https", "http") or "@" in parts.netloc or parts.fragment:
        raise PydanticCustomError("URL_INVALID", "A URL is written https://host/path, without user or fragment")
    return url


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""The address of another system, absolute, kept as spelt: http or https, with a host, without credentials or fragment,
and without what a request line could not hold: blanks, line feeds and letters beyond ASCII are written with %."""


def _moment(value: object) -> datetime:
    found = checks.moment(value)
    if not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    if found.tzinfo is None:
        raise PydanticCustomError("DATE_INVALID", "A moment is written with its offset: 2026-01-31T12:00:00Z")
    if not checks.EARLIEST.year <= found.year <= checks.LATEST.year:
        raise PydanticCustomError("FIELD_RANGE", "A moment lies between the years 1900 and 2999")
    return found


def _text(value: str) -> str:
    return checks.text(value, limit=20_000, least=0, lines=True)


def _keepable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("FIELD_TYPE", "NUL characters are not allowed")
    return text


Minor = Annotated[int, Field(strict=True, ge=-(2**63), le=INT64_MAX)]
"""Minor units of a currency, int64."""
PositiveMinor = Annotated[int, Field(strict=True, ge=1, le=INT64_MAX)]
NonNegativeMinor = Annotated[int, Field(strict=True, ge=0, le=INT64_MAX)]

IsoDate = Annotated[date, BeforeValidator(checks.day)]
"""A calendar date written YYYY-MM-DD, from 1900 to 2999; also for query parameters."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment with its offset from UTC; a date alone is its midnight, UTC."""
CurrencyCode = Annotated[
    str, AfterValidator(checks.currency), Field(json_schema_extra={"minLength": 3, "maxLength": 3})
]
"""An ISO 4217 code in capitals, of a currency that has minor units."""
DecimalNumber = Annotated[Decimal, BeforeValidator(checks.decimal)]
"""A decimal from a JSON string or number, exactly as written; say the range with `Field(ge=…)`."""
ExchangeRate = Annotated[Decimal, BeforeValidator(checks.decimal), Field(ge=Decimal("1e-12"), le=Decimal("1e12"))]
"""Units of one currency per unit of another; the range keeps every int64 amount convertible."""

Line = Annotated[str, AfterValidator(checks.line), Field(min_length=1, max_length=255)]
"""One line of text, 1-255 characters, kept trimmed and NFC-normalised; nothing in it that controls or deceives."""
Code = Annotated[str, AfterValidator(checks.code), Field(min_length=1, max_length=64)]
"""A line of 1-64 characters: a key of ours, or of the customer's systems."""
Text = Annotated[str, AfterValidator(_text), Field(max_length=20_000)]
"""A text of several lines, of up to 20,000 characters, kept as a line is; it may be empty."""
ExternalId = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(checks.external_id)]
"""An id in the caller's system, kept exactly as it is spelt, so that the id as sent finds the record."""
RecordId = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(checks.no_controls)]
"""An id of ours in a body. Whether it exists is the database's to say (404), so no pattern here."""
VerbatimLine = Annotated[
    str, Field(min_length=1, max_length=255), AfterValidator(checks.no_controls), AfterValidator(checks.not_blank)
]
"""A line that a bank or another system wrote, kept as it came: not blank, no control characters."""
VerbatimText = Annotated[str, Field(max_length=20_000), AfterValidator(_keepable)]
"""What somebody else wrote, of up to 20,000 characters, kept as it came."""
ReasonCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
"""UPPER_SNAKE, 1-64 characters; shipped lists only suggest."""

InUpperCase = BeforeValidator(lambda given: given.upper() if isinstance(given, str) else given)
InLowerCase = BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given)
"""For filters: `?status=paid` asks for what `?status=PAID` asks for, whichever way the record writes it."""

Choice = Annotated[T, Field(strict=False)]
"""`Choice[InvoiceStatus]`: an enum given by its value."""
