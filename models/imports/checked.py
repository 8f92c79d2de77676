"""What the checks say of one row: its values, or its faults with their columns; and what a person should look at."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Self

from pydantic import JsonValue
from pydantic_core import PydanticCustomError

from models.answers import JsonObject, read_row


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of a row: the customer's field, the column (its name, its number from 1), the code and the rule; never the
    value itself."""

    field: str | None
    column: str | None
    column_no: int | None
    code: str
    detail: str

    @classmethod
    def of(cls, field: str | None, column: str | None, column_no: int | None, wrong: PydanticCustomError) -> Self:
        """What a check has refused."""
        return cls(field, column, column_no, code_of(wrong.type), wrong.message())


@dataclass(slots=True)
class Related:
    """What a row says beside a customer's plain fields: its related records by list, as JSON. `incomplete`: those that
    lack a part that a new one needs; `metadata_keys`: of the metadata only these keys are meant."""

    lists: dict[str, list[JsonObject]] = field(default_factory=dict)
    incomplete: dict[str, list[JsonObject]] = field(default_factory=dict)
    metadata_keys: bool = False

    @classmethod
    def read(cls, kept: JsonObject | None) -> Self | None:
        """As it was kept with the row."""
        if kept is None:
            return None
        lists = {name: items for name, items in kept.items() if name not in ("incomplete", "metadata_keys")}
        more = {"incomplete": kept.get("incomplete", {}), "metadata_keys": kept.get("metadata_keys", False)}
        return read_row(cls, {"lists": lists, **more})

    def as_json(self) -> JsonObject:
        """As the row keeps it: the lists by their names."""
        kept: dict[str, JsonValue] = {name: [dict(one) for one in items] for name, items in self.lists.items()}
        if self.incomplete:
            kept["incomplete"] = {name: [dict(one) for one in items] for name, items in self.incomplete.items()}
        if self.metadata_keys:
            kept["metadata_keys"] = True
        return kept


@dataclass(slots=True)
class Checked:
    """A row after all checks that it can be given alone. `values` by field; meaningless where there are faults. `keys`:
    of its name, e-mail and tax id, by which customers are compared."""

    values: dict[str, str] = field(default_factory=dict)
    credit_limit: Decimal | None = None
    related: Related | None = None
    faults: list[RowFault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    keys: tuple[str | None, str | None, str | None] = (None, None, None)

    def relate(self) -> Related:
        """What it says beside the plain fields, to be added to."""
        if self.related is None:
            self.related = Related()
        return self.related

    def warn(self, code: str) -> None:
        """Say it once."""
        if code not in self.warnings:
            self.warnings.append(code)


_FINER: Final = frozenset({"FIELD_FORMAT", "FIELD_RANGE", "DECIMAL_INVALID"})
"""Codes of bodies that rows do not have: a row says FIELD_TYPE to all of them (docs/api.md, section 5)."""


def code_of(kind: str) -> str:
    """Our own codes and pydantic's in the words of docs/api.md, section 5."""
    if kind.isupper():
        return "FIELD_TYPE" if kind in _FINER else kind
    return (
        "FIELD_REQUIRED"
        if kind == "missing"
        else "FIELD_LENGTH"
        if kind.startswith(("too_", "string_too"))
        else "FIELD_TYPE"
    )
