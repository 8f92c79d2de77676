"""The one tree of refusals. It knows nothing of HTTP or Temporal.

Refusal
└── every business rule, validation or lookup that says no, with a stable code

A code is part of the contract: it is never renamed. `CODES` is the one table of codes; `api.problems`
adds the HTTP status to each, and the docs list both.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """One wrong field. `loc` is a JSON pointer into the request body ("/applications/0/applied_minor")."""

    loc: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"loc": self.loc, "code": self.code, "detail": self.detail}


class Refusal(Exception):
    """A request that the rules refuse. `extra` lands beside `code` in the problem body (ids and amounts, no names)."""

    def __init__(self, code: str, detail: str, *, errors: list[FieldError] | None = None, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.extra = extra
