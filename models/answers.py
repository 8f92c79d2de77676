"""What an answer is: a frozen record of plain fields, written as JSON the same way wherever it is answered.

An answer stands beside its noun (`models/cash/answers.py` and its neighbours). Every field is always there; what may be
missing is null. /openapi.json is made from these classes, and nothing is validated again on the way out: that what is
answered has this shape is the type checker's to hold, and of every answer met in the tests, theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, dataclass_transform

from pydantic import JsonValue, TypeAdapter

from models.facts import Fact, Record

T = TypeVar("T")
K = TypeVar("K", bound=Record)

JsonObject = Mapping[str, JsonValue]
"""JSON, where that is what the thing is: metadata, what a source said, the payload of an audit event."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def answer(cls: type[T]) -> type[T]:
    """The class decorator of answers: frozen, by name only, no field without a value."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@answer
class Page(Generic[T]):
    """One page of a list; `next_cursor` asks for the next, null on the last."""

    items: Sequence[T]
    next_cursor: str | None


@answer
class WarningAnswer:
    """What somebody should know before going on; nothing is refused for it."""

    code: str
    detail: str


@answer
class CurrencyAmountAnswer:
    """An amount, in minor units of its currency."""

    currency_code: str
    minor: int


def answer_from(kind: type[K], record: Record, **more: Fact) -> K:
    """The answer with the record's fields of the same names, and `more`. That those are of the same types:
    tests/unit/test_answers_from_records.py."""
    return kind(**{name: more[name] if name in more else getattr(record, name) for name in kind.__dataclass_fields__})


_readers: Final[dict[type, TypeAdapter[Any]]] = {}


def _reader(kind: type[T]) -> "TypeAdapter[T]":
    if (found := _readers.get(kind)) is None:
        found = _readers[kind] = TypeAdapter(kind)
    return found


def read_json(kind: type[T], text: str | bytes) -> T:
    """An answer from the JSON that it was written as."""
    return _reader(kind).validate_json(text)


def read_row(kind: type[T], row: Mapping[str, Any]) -> T:
    """A record from a row: the fields by the names of the columns, texts of enums and of nested JSON as their types.
    Columns that the record does not name are left out."""
    return _reader(kind).validate_python(row)
