"""A file of customers, opened: how it is read, which field each of its columns is, and its rows. No database."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from import_readers import Block, Layout, Unreadable, open_rows
from import_readers.footers import without_footer, without_totals
from import_readers.habits import with_ends, without_repeats
from models.imports.columns import PLAIN, check_mapping, nameless, names_customers, resolve
from models.imports.contacts import as_contacts, of_contacts
from models.imports.presets import normal
from models.imports.raw_rows import cells_of
from models.imports.requests import ImportOptions

Mapped = Mapping[str, str | None] | None


def opened(
    pieces: Iterable[bytes], options: ImportOptions, spool: Callable[[Iterable[bytes]], Path]
) -> tuple[Layout, Iterator[Block]]:
    """The layout with its fields, and the rows. Raises Unreadable, the iteration too."""
    layout, blocks = open_rows(
        pieces, options.source, delimiter=options.delimiter, encoding=options.encoding, spool=spool,
        is_header=lambda cells: names_customers(cells, options.source, options.mapping),
    )  # fmt: skip
    unnamed = nameless(layout.header, options.source)
    layout, blocks = with_ends(layout, blocks)
    layout = replace(layout, fields=_columns(layout, options.source, options.mapping))
    return layout, _rows_of(blocks, layout, options.source, unnamed)


def _columns(layout: Layout, source: str, mapping: Mapped) -> list[str | None]:
    if layout.format == "object":
        check_mapping(mapping)
        return []
    fields = resolve(layout.header, source, mapping, layout.header_line)
    if not of_contacts(layout.header, source):
        return fields
    return as_contacts(layout.header, fields, source, [normal(name) for name in mapping or ()])


def _rows_of(blocks: Iterable[Block], layout: Layout, source: str, unnamed: Sequence[int]) -> Iterator[Block]:
    """The rows, without the header said again, sums and an export's footer; of a plain file none of which may say anything in an
    `unnamed` column of the header."""
    if layout.format == "object":
        yield from blocks
        return
    rows = without_repeats(layout, blocks)
    if source not in PLAIN:
        yield from without_totals(layout, without_footer(layout, rows))
        return
    for block in without_totals(layout, rows):
        for cells in cells_of(layout, block.raws) if unnamed else ():
            at = next((n for n in unnamed if n < len(cells) and cells[n].strip() and not _counts(n, cells[n])), None)
            if at is not None:
                detail = f"Column {at + 1} has no name, but the rows say something in it: name it, or leave it out."
                raise Unreadable("COLUMN_UNKNOWN", detail, layout.header_line, at + 1)
        yield block


def _counts(column: int, text: str) -> bool:
    """Whether a cell is the number of its row, which some programs write before the first column without a name."""
    return column == 0 and text.strip().isdecimal()
