"""What the checks say of one row: its values, or its faults with their columns; and what a person should look at."""

from dataclasses import dataclass, field
from typing import Any

Fault = dict[str, Any]
"""`{"field", "column" (its name), "column_no" (from 1), "code", "detail"}`; never the value itself."""


@dataclass(slots=True)
class Checked:
    """A row after all checks that it can be given alone. `values` by field; meaningless where there are faults."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    keys: tuple[str | None, str | None, str | None] = (None, None, None)

    def warn(self, code: str) -> None:
        """Say it once."""
        if code not in self.warnings:
            self.warnings.append(code)


def fault(name: str | None, column: str | None, number: int | None, code: str, detail: str) -> Fault:
    """One fault of a row."""
    return {"field": name, "column": column, "column_no": number, "code": code, "detail": detail}


def code_of(kind: str) -> str:
    """Our own codes pass; pydantic's are put into the contract's words."""
    if kind.isupper():
        return kind
    return (
        "FIELD_REQUIRED"
        if kind == "missing"
        else "FIELD_LENGTH"
        if kind.startswith(("too_", "string_too"))
        else "FIELD_TYPE"
    )
