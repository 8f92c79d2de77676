"""What a report program writes below its rows: after a blank line its title, a copyright, who ran it and when."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from import_readers.blocks import Block, Layout
from import_readers.csv_rows import cells

_LONGEST: Final = 20


def without_footer(layout: Layout, blocks: Iterable[Block]) -> Iterator[Block]:
    """The rows without those at the end that follow a blank line and fill one cell each, of a file of several columns."""
    if len(layout.header) < 3:
        yield from blocks
        return
    held: list[tuple[int, str]] = []
    last = layout.header_line
    for block in blocks:
        kept: list[tuple[int, str]] = []
        for line, raw in zip(block.lines, block.raws, strict=True):
            begins = line > last + 1
            last = line + raw.count("\n")
            if (held or begins) and len(held) < _LONGEST and _alone(layout, raw):
                held.append((line, raw))
                continue
            kept += held
            held = []
            kept.append((line, raw))
        yield Block([n for n, _ in kept], [raw for _, raw in kept])


def _alone(layout: Layout, raw: str) -> bool:
    said = json.loads(raw) if layout.format == "cells" else cells(raw, layout.delimiter)
    return bool(said[0].strip()) and not any(cell.strip() for cell in said[1:])
