"""NDJSON: one object a line."""

from collections.abc import Iterator

from import_readers.blocks import Block, Layout, Unreadable


def ndjson_rows(blocks: Iterator[str]) -> tuple[Layout, Iterator[Block]]:
    """One row for each line that is not blank. Raises FILE_EMPTY, and NOT_NDJSON where the file is a JSON array."""
    rows = _lines(blocks)
    first = next((b for b in rows if b.raws), None)
    if first is None:
        raise Unreadable("FILE_EMPTY", "The file is empty.", 1, 1)
    if first.raws[0].startswith("["):
        raise Unreadable("NOT_NDJSON", "The file is a JSON array: send one object a line (NDJSON).", first.lines[0], 1)

    def every() -> Iterator[Block]:
        yield first
        yield from rows

    return Layout("object"), every()


def _lines(blocks: Iterator[str]) -> Iterator[Block]:
    line = 1
    for block in blocks:
        parts = block.split("\n")
        parts.pop()
        kept = [(line + n, text) for n, part in enumerate(parts) if (text := part.strip(" \t\x1a"))]
        line += len(parts)
        yield Block([n for n, _ in kept], [text for _, text in kept])
