"""Strict JSON: the request body as plain Python values, with no float and nothing PostgreSQL could not keep.

Refused as `422 VALIDATION_FAILED`: malformed JSON, bytes that are not UTF-8, NaN and Infinity, repeated keys, NUL
characters and unpaired surrogates in any string, numbers of absurd length, nesting beyond the interpreter's depth.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NoReturn

from api.invalid import pointer
from api.problems import invalid
from models.errors import FieldError

_MAX_NUMBER: Final = 64  # characters; int64 has 19 digits, no rate has 40
_MAX_EXPONENT: Final = 64  # keeps 1e999999999 from ever being written out


def parse(raw: bytes) -> Any:
    """The JSON document in `raw`; fractions are `Decimal`. Raises the `VALIDATION_FAILED` refusal."""
    try:
        document = json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.")
    except json.JSONDecodeError as error:
        _refuse(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.")
    except RecursionError:
        _refuse("The body is nested too deeply.")
    if b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw:  # else the strings need no look
        unkeepable = [FieldError(pointer(path), "FIELD_TYPE", detail) for path, detail in _unkeepable(document, ())]
        if unkeepable:
            raise invalid(*unkeepable)
    return document


def _refuse(detail: str) -> NoReturn:
    raise invalid(FieldError("", "JSON_INVALID", detail)) from None


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > _MAX_NUMBER or abs(number.adjusted()) > _MAX_EXPONENT:
        _refuse("A number is out of range.")
    return number


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER:
        _refuse("A number is out of range.")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        _refuse("An object names the same member twice.")
    return members


def _unkeepable(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        if "\0" in value:
            yield path, "A text holds a NUL character."
        elif any("\ud800" <= character <= "\udfff" for character in value):
            yield path, "A text holds half a surrogate pair."
    elif isinstance(value, dict):
        for key, member in value.items():
            bad_key = any(True for _ in _unkeepable(key, path))
            if bad_key:
                yield path, "A member's name holds a character that cannot be kept."
            else:
                yield from _unkeepable(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _unkeepable(member, (*path, index))
