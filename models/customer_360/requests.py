"""What the doors of the 360 view take: what can be done from it, and the external systems that serve it."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from models.customer_360.records import ActivityType
from models.customer_360.source_records import Word
from models.values import (
    Body,
    Choice,
    CurrencyCode,
    ExternalId,
    HttpUrl,
    IsoDate,
    Line,
    Moment,
    NonNegativeMinor,
    ReasonCode,
    RecordId,
    Text,
    VerbatimText,
)


class LogActivity(Body):
    """`occurred_at` defaults to now. `notes` is kept as text, whatever it looks like."""

    type: Choice[ActivityType]
    notes: VerbatimText
    contact_id: RecordId | None = None
    occurred_at: Moment | None = None


class CreateOpportunity(Body):
    """`value_minor` in minor units of `currency_code`."""

    name: Line
    value_minor: NonNegativeMinor
    currency_code: CurrencyCode
    stage: Word
    close_date: IsoDate
    external_id: ExternalId | None = None


class EscalateCase(Body):
    """Why the case needs somebody now."""

    reason_code: ReasonCode
    note: Annotated[Text, Field(min_length=1)] | None = None


class PutSourceConnection(Body):
    """An external system that serves panels, and that imports may pull customers from. `credential` names a secret that
    the worker can read; never the secret."""

    kind: Literal["salesforce", "hubspot"]
    base_url: Annotated[HttpUrl, Field(max_length=255)]
    credential: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    panels: Annotated[list[str], Field(max_length=8)]
    timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 8000
    max_concurrent: Annotated[int, Field(ge=1, le=64)] = 8
    enabled: bool = True

    @field_validator("base_url")
    @classmethod
    def _without_query(cls, url: str) -> str:
        if urlsplit(url).query:
            raise PydanticCustomError("URL_INVALID", "A base URL has no query")
        return url
