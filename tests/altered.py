"""A record with one field changed whose name is known only when the test runs."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def altered(record: Record, field: str, value: object) -> Record:
    """The record with this value in this field, whether or not its type allows it."""
    changes: dict[str, Any] = {field: value}
    return replace(record, **changes)
