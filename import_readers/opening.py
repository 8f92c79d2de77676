"""Which reader a file takes: the source's format, or what the first bytes say where the source may send several."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from import_readers.blocks import Block, Layout, Unreadable
from import_readers.csv_rows import csv_rows
from import_readers.headings import IsHeader, any_row
from import_readers.ndjson_rows import ndjson_rows
from import_readers.text import text_blocks
from import_readers.xlsx_rows import xlsx_rows

_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_JSON: Final = re.compile(rb"\[?\s*\{")
_OTHER: Final = (
    (re.compile(rb"\x1f\x8b|BZh|7z\xbc\xaf|Rar!|\xfd7zXZ"), "This is a packed file: unpack it, and upload what is in it."),
    (re.compile(rb"%PDF|\{\\rtf"), "This is a printed document: export the list as CSV or XLSX."),
    (re.compile(rb"<(?:!doctype|html|table|head|meta)", re.IGNORECASE), "This is a web page: save it as XLSX or CSV."),
    (re.compile(rb"<"), "This is XML: save it as XLSX or CSV in a spreadsheet."),
)  # fmt: skip
"""How files begin that programs call exports, too, and what to do about each."""
FIXED: Final = ("csv", "xlsx", "ndjson")


def open_rows(
    chunks: Iterable[bytes],
    source: str,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    is_header: IsHeader = any_row,
    spool: Callable[[Iterable[bytes]], Path],
) -> tuple[Layout, Iterator[Block]]:
    """The file's layout and its rows in blocks. `is_header` knows the columns' names where titles stand above them; `spool` puts
    the chunks into a file where a reader must seek (XLSX).

    Raises Unreadable; the iteration raises it too, where the trouble stands further down.
    """
    stream = iter(chunks)
    first = b""
    for piece in stream:
        first += piece
        if len(first) >= 16:
            break
    if not first.strip():
        raise Unreadable("FILE_EMPTY", "The file is empty.", 1, 1)
    whole = chain([first], stream)
    kind = _kind(source, first)
    if kind == "xlsx":
        return xlsx_rows(spool(whole), is_header)
    blocks = text_blocks(whole, encoding)
    return ndjson_rows(blocks) if kind == "ndjson" else csv_rows(blocks, delimiter, is_header)


def _kind(source: str, first: bytes) -> str:
    if first.startswith(_OLD_EXCEL):
        raise Unreadable(
            "XLSX_INVALID", "This is an Excel file of the old kind or with a password: save it as XLSX or CSV."
        )
    bare = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    for begins, advice in _OTHER:
        if begins.match(bare):
            raise Unreadable("FORMAT_MISMATCH", advice)
    seen = "xlsx" if first.startswith(_ZIP) else "text"
    if source not in FIXED:
        return seen if seen == "xlsx" else "ndjson" if _JSON.match(bare) else "csv"
    if source == "xlsx" and seen == "text":
        raise Unreadable("XLSX_INVALID", "The file is not an XLSX workbook.")
    if source != "xlsx" and seen == "xlsx":
        raise Unreadable("FORMAT_MISMATCH", f"The file is an XLSX workbook, not {source}.")
    return source
