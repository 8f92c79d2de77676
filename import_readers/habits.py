"""What the rows of a file have in common that its header does not say: a delimiter at their ends, the header said again."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from import_readers.blocks import Block, Layout
from import_readers.cells import row_cells
from models.imports.files import BEYOND

SAMPLE: Final = 20
"""Rows by which a habit is told."""


def without_repeats(layout: Layout, blocks: Iterable[Block]) -> Iterator[Block]:
    """The rows but those that are the header once more, of files that were put together from several."""
    header = _not_blank(layout.header)
    marked = next(iter(header), "")
    for block in blocks:
        again = {
            n for n, raw in enumerate(block.raws) if marked in raw and _not_blank(row_cells(layout, raw)) == header
        }
        if not again or len(header) < 2:
            yield block
            continue
        kept = [n for n in range(len(block.raws)) if n not in again]
        yield Block([block.lines[n] for n in kept], [block.raws[n] for n in kept])


def with_ends(layout: Layout, blocks: Iterator[Block]) -> tuple[Layout, Iterator[Block]]:
    """The layout with a column without a name for each delimiter that the rows write at their ends and the header does not."""
    if layout.format != "csv":
        return layout, blocks
    taken: list[Block] = []
    sample: list[str] = []
    while len(sample) < SAMPLE and (block := next(blocks, None)) is not None:
        taken.append(block)
        sample += block.raws[: SAMPLE - len(sample)]
    rows = [next(csv.reader(raw.split("\n"), delimiter=layout.delimiter), []) for raw in sample]
    beyond = _beyond(rows, len(layout.header))
    return replace(layout, header=(*layout.header, *[BEYOND] * beyond)), chain(taken, blocks)


def _beyond(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many empty cells all rows have beyond the header's `width`.

    One row that has none says that another's surplus is something else: a comma in a cell that nobody quoted. So does a cell that
    begins with a blank, where no other row speaks for the habit.
    """
    wide = [row for row in rows if len(row) >= width]
    surplus = min((len(row) - width for row in wide), default=0)
    if surplus < 1 or any(cell.strip() for row in wide if len(row) == width + surplus for cell in row[width:]):
        return 0
    plain = any(not any(cell[:1] == " " and cell.strip() for cell in row) for row in wide)
    return surplus if plain else 0


def _not_blank(names: Sequence[str]) -> list[str]:
    return [stripped for name in names if (stripped := name.strip())]
