"""NDJSON (one object a line) and XLSX (the first sheet, read by calamine)."""

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

from import_readers.blocks import Block, Layout, Unreadable

UNPACKED_LIMIT: Final = 768 * 1024 * 1024
"""Bytes that an XLSX may unpack to, counted by unpacking it: what its directory says is not believed."""
_ENTRIES_LIMIT: Final = 5000
_BLOCK: Final = 2000
_EXACT: Final = 10**15  # beyond, a double has lost digits of what was typed


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
        kept = [(line + n, text) for n, part in enumerate(parts) if (text := part.strip(" \t"))]
        line += len(parts)
        yield Block([n for n, _ in kept], [text for _, text in kept])


def xlsx_rows(path: Path) -> tuple[Layout, Iterator[Block]]:
    """The rows of the first visible sheet below its first row. Raises XLSX_INVALID, XLSX_TOO_LARGE, FILE_EMPTY."""
    _weigh(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheet = book.get_sheet_by_index(0)
        start = (sheet.start or (0, 0))[0] + 1
        rows = enumerate(sheet.iter_rows(), start)
    except PasswordError:
        raise Unreadable("XLSX_INVALID", "The workbook is protected by a password.") from None
    except (CalamineError, ZipError, OSError, IndexError, ValueError):
        raise Unreadable("XLSX_INVALID", "The file is not a readable XLSX workbook.") from None
    for line, values in rows:
        header = [_text(v) for v in values]
        if any(header):
            while not header[-1]:
                header.pop()
            return Layout("cells", tuple(header), header_line=line), _sheet(rows, len(header))
    raise Unreadable("FILE_EMPTY", "The first sheet is empty.", 1, 1)


def _sheet(rows: Iterator[tuple[int, list[Any]]], width: int) -> Iterator[Block]:
    lines: list[int] = []
    raws: list[str] = []
    for line, values in rows:
        texts = [_text(v) for v in values]
        while len(texts) > width and not texts[-1]:
            texts.pop()
        if any(texts):
            lines.append(line)
            raws.append(json.dumps(texts, ensure_ascii=False))
        if len(raws) == _BLOCK:
            yield Block(lines, raws)
            lines, raws = [], []
    yield Block(lines, raws)


def _text(value: Any) -> str:
    """A cell as text. Whole numbers without a point; numbers that have lost digits keep their exponent, as a warning."""
    if isinstance(value, str):
        return value.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if abs(value) >= _EXACT:
            return f"{value:.14E}"
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _weigh(path: Path) -> None:
    """Refuse what unpacks to more than the limit, before anything is unpacked into memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > _ENTRIES_LIMIT or sum(e.file_size for e in entries) > UNPACKED_LIMIT:
                raise Unreadable("XLSX_TOO_LARGE", f"The workbook unpacks to more than {UNPACKED_LIMIT} bytes.")
            left = UNPACKED_LIMIT
            for entry in entries:
                with archive.open(entry) as unpacked:
                    while piece := unpacked.read(1 << 20):
                        left -= len(piece)
                        if left < 0:
                            raise Unreadable(
                                "XLSX_TOO_LARGE", f"The workbook unpacks to more than {UNPACKED_LIMIT} bytes."
                            )
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise Unreadable("XLSX_INVALID", "The file is not a readable XLSX workbook.") from None
