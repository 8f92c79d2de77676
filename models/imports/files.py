"""What is known of a file before any row of it is judged: how it is read, and why it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

BEYOND: Final = " "
"""The name of a column that the header does not have, but all rows: a delimiter at their ends."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a row's raw text again, and the customer's field of each column (None: left out).

    `format`: `csv` (raw is the record as it stood), `cells` (a JSON array of texts), `object` (a JSON object).
    `header`: the column names as they stand in the file; empty for objects, whose rows name their fields themselves.
    """

    format: Literal["csv", "cells", "object"]
    header: Sequence[str] = ()
    delimiter: str = ","
    header_line: int = 1
    fields: Sequence[str | None] = ()


class Unreadable(Exception):
    """The file as a whole cannot be read. `line` and `column` count from 1; the beginning, where it is all of the file."""

    def __init__(self, code: str, detail: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column
