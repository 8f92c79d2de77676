"""What a report program writes below its rows: sums; after a blank line its title, a copyright, who ran it and when."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from import_readers.blocks import Block, Layout
from import_readers.cells import row_cells

_LONGEST: Final = 20
_TOTAL: Final = re.compile(
    r"(?:(?:grand|sub|report|overall)[\s-]?)?(?:totals?|sums?|summe|gesamt(?:summe)?|totaal|totale|record count|count)"
    r"(?:\s*[:(]\s*(?:[0-9.,']+\s*)?(?:records?|rows?|customers?|accounts?|items?)?\s*\)?)?",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"[-+(]?\W?[\d.,'\u00a0\u202f ]*\d[\d.,'\u00a0\u202f ]*\W?\)?|[A-Z]{3} ?[\d.,']+|[\d.,']+ ?[A-Z]{3}"
)
_SUMMED: Final = (None, "credit_limit")
"""Fields of columns in which a sum may stand; None is a column that is left out."""


def without_footer(layout: Layout, blocks: Iterable[Block]) -> Iterator[Block]:
    """The rows without those at the end that follow a blank line and fill one cell each, of a file of several columns."""

    def alone(raw: str) -> bool:
        said = row_cells(layout, raw)
        return any(cell.strip() for cell in said[:1]) and not any(cell.strip() for cell in said[1:])

    return _without_end(layout, blocks, alone, after_blank=True) if len(layout.header) >= 3 else iter(blocks)


def without_totals(layout: Layout, blocks: Iterable[Block]) -> Iterator[Block]:
    """The rows without those at the end that are called a total and say nothing but numbers, where sums may stand."""
    fields = layout.fields

    def total(raw: str) -> bool:
        if not _looks_summed(raw):
            return False
        said = [(n, text) for n, cell in enumerate(row_cells(layout, raw)) if (text := cell.strip())]
        return (
            bool(said)
            and _TOTAL.fullmatch(said[0][1]) is not None
            and all(n < len(fields) and fields[n] in _SUMMED and _NUMBER.fullmatch(text) for n, text in said[1:])
        )

    return _without_end(layout, blocks, total)


def _looks_summed(raw: str) -> bool:
    """A quick look, before the row is split."""
    lowered = raw[:80].lower()
    return any(word in lowered for word in ("tota", "sum", "gesamt", "count"))


def _without_end(
    layout: Layout, blocks: Iterable[Block], ends: Callable[[str], bool], *, after_blank: bool = False
) -> Iterator[Block]:
    """The rows without those at the end of which `ends` is true; `after_blank`: the first of them follows a blank line."""
    held: list[tuple[int, str]] = []
    last = layout.header_line
    for block in blocks:
        if block.raws and not held and not ends(block.raws[-1]):
            last = block.lines[-1] + block.raws[-1].count("\n")
            yield block  # what comes before a row that stays, stays
            continue
        kept: list[tuple[int, str]] = []
        for line, raw in zip(block.lines, block.raws, strict=True):
            begins = held or not after_blank or line > last + 1
            last = line + raw.count("\n")
            if begins and ends(raw) and len(held) < _LONGEST:
                held.append((line, raw))
                continue
            kept += held
            held = []
            kept.append((line, raw))
        yield Block([n for n, _ in kept], [raw for _, raw in kept])
