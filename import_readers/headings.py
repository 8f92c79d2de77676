"""Where the table of a file begins: below the titles that reports write above it."""

from collections.abc import Callable, Sequence
from typing import Final

SOUGHT: Final = 20
"""Rows among which the header is looked for."""
IsHeader = Callable[[Sequence[str]], bool]
"""Whether the cells of a row are the names of customers' columns."""


def any_row(_: Sequence[str]) -> bool:
    """The first row is the header, whatever it says."""
    return True


def header_at(rows: Sequence[Sequence[str]], is_header: IsHeader) -> int | None:
    """The place of the header among the first rows: the first that names columns of customers, where nothing above it fills as
    many cells. None where there is none."""
    for n, cells in enumerate(rows[:SOUGHT]):
        if is_header(cells):
            return n if all(_filled(above) < _filled(cells) for above in rows[:n]) else None
    return None


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)
