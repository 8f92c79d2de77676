"""What FastAPI and pydantic found wrong, as field errors: a JSON pointer, one of our codes, a sentence.

A pointer names a place in the body (`/applications/0/applied_minor`); what stands elsewhere in the request is
named `/query/limit`, `/path/id`, `/header/Idempotency-Key`. The offending value is never repeated: it may be personal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.errors import FieldError

MAX_ERRORS: Final = 100
_TAG: Final = "action:"
"""Which form of a related record was meant (`models.customers.bodies.action_tag`): no place in the body."""

_CODES: Final[Mapping[str, str]] = {
    "missing": "FIELD_REQUIRED",
    "extra_forbidden": "FIELD_UNKNOWN",
    "string_too_long": "FIELD_LENGTH",
    "string_too_short": "FIELD_LENGTH",
    "too_long": "FIELD_LENGTH",
    "too_short": "FIELD_LENGTH",
    "greater_than": "FIELD_RANGE",
    "greater_than_equal": "FIELD_RANGE",
    "less_than": "FIELD_RANGE",
    "less_than_equal": "FIELD_RANGE",
    "int_parsing_size": "FIELD_RANGE",
    "string_pattern_mismatch": "FIELD_FORMAT",
    "literal_error": "FIELD_CHOICE",
    "enum": "FIELD_CHOICE",
    "json_invalid": "JSON_INVALID",
    "value_error": "FIELD_INVALID",
    "assertion_error": "FIELD_INVALID",
}


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """At most MAX_ERRORS of pydantic's error dictionaries, translated."""
    return [_field_error(error) for error in errors[:MAX_ERRORS]]


def pointer(parts: Sequence[str | int]) -> str:
    """The parts as an RFC 6901 JSON pointer; the whole document is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    loc = error["loc"]
    parts = [part for part in (loc[1:] if loc and loc[0] == "body" else loc) if not str(part).startswith(_TAG)]
    return FieldError(pointer(parts), _code(str(error["type"])), _sentence(str(error["msg"])))


def _code(kind: str) -> str:
    if kind.isupper():  # raised by one of our own field types
        return kind
    if kind in _CODES:
        return _CODES[kind]
    return "FIELD_TYPE" if kind.endswith(("_type", "_parsing", "_from_float")) else "FIELD_INVALID"


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
