"""What is asked of authority limits."""

from typing import Annotated, Literal

from pydantic import Field

from models.authority import AuthorityKind, Limit
from models.values import Body, Choice, DecimalNumber, NonNegativeMinor, Patch


class PutAuthorityLimit(Patch):
    """What one role may give away of one kind, in minor units of the legal entity's functional currency; null: any amount.
    `percent`: of the invoice, for write-offs in an application session; absent, it stays."""

    kind: Choice[AuthorityKind]
    role: Literal["ar_clerk", "ar_manager", "controller", "cfo"]
    limit_minor: NonNegativeMinor | None
    percent: Annotated[DecimalNumber, Field(gt=0, le=100)] | None = None

    def in_place_of(self, before: Limit) -> Limit:
        """The limit that is to hold."""
        percent = self.percent if "percent" in self.model_fields_set else before.percent
        return Limit(self.limit_minor, percent)


class PutAuthorityLimits(Body):
    """The limits that are to hold; those not named stay. What GET answers may be sent back: `version` is that which was read,
    the two others change nothing."""

    limits: Annotated[list[PutAuthorityLimit], Field(min_length=1, max_length=100)]
    version: int | None = None
    updated_at: str | None = None
    updated_by: str | None = None
