"""What the doors of webhooks take."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from models.events import EVENTS
from models.values import Body, HttpUrl, Patch, Text


def _known(types: list[str]) -> list[str]:
    if types == ["*"]:
        return []
    unknown = sorted(set(types) - set(EVENTS))
    if unknown:
        raise PydanticCustomError("EVENT_TYPE_UNKNOWN", f"There is no event type {unknown[0]}")
    return sorted(set(types))


EventTypes = Annotated[list[str], Field(max_length=len(EVENTS)), AfterValidator(_known)]
Url = Annotated[HttpUrl, Field(min_length=1, max_length=2000)]


class CreateWebhookEndpoint(Body):
    """`event_types`: empty, absent or `["*"]` for all of them."""

    url: Url
    event_types: EventTypes = Field(default_factory=list)
    description: Text | None = None


class UpdateWebhookEndpoint(Patch):
    """Absent: unchanged. Only `description` can be cleared, with null."""

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Text | None = None
    status: Literal["enabled", "disabled"] | None = None

    @field_validator("url", "event_types", "status", mode="before")
    @classmethod
    def _not_cleared(cls, given: Any) -> Any:
        if given is None:
            raise PydanticCustomError("FIELD_TYPE", "It cannot be cleared")
        return given
