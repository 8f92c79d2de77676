"""What may be written as JSON: values of our own vocabulary, records of them, and lists and objects of both."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import Field
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel


class Record(Protocol):
    """A dataclass: its fields are columns, or members of an object."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Fact = (
    str | int | float | bool | Decimal | date | bytes | Record | BaseModel
    | Sequence["Fact"] | Set["Fact"] | Mapping[Any, "Fact"] | None
)  # fmt: skip
"""A value that `to_json` writes. A float is one of JSON that others sent; ours are whole numbers and decimals. The names in an
object may be those of an enum, or numbers: they are written as texts."""
Facts = Mapping[str, Fact]
"""Facts by name: what the trail or an event says of a record, or the columns of a row."""
