"""What the doors of exceptions take."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from models.access import ROLES
from models.values import Body, Line, ReasonCode, Text


class AssignException(Body):
    """To a role or to a person, one of the two."""

    owner_role: Line | None = None
    owner_user: Line | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.owner_role is None) == (self.owner_user is None):
            raise PydanticCustomError("OWNER_REQUIRED", "Give owner_role or owner_user, one of them")
        if self.owner_role is not None and self.owner_role not in ROLES:
            raise PydanticCustomError("ROLE_UNKNOWN", "There is no such role")
        return self


class ResolveException(Body):
    """How it was settled; `reason_code` is another name for `resolution_code`."""

    resolution_code: ReasonCode | None = None
    reason_code: ReasonCode | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _one_code(self) -> Self:
        if len({self.resolution_code, self.reason_code} - {None}) != 1:
            raise PydanticCustomError("FIELD_REQUIRED", "Give one resolution_code")
        return self

    @property
    def code(self) -> str:
        """The code, under whichever name it was given."""
        return self.resolution_code or self.reason_code or ""
