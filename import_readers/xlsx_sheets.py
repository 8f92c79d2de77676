"""The sheets of a workbook, and which of them holds the customers."""

import posixpath
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from import_readers.blocks import Unreadable
from import_readers.headings import SOUGHT, IsHeader, any_row, header_at
from import_readers.xlsx_parts import local, parsed

Row = tuple[int, list[str]]
"""Its number and its texts from column A on."""
_SHOWN: Final = 60
"""Characters of a sheet's name in a message."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name, whether it is hidden, where it stands in the file, and the day before the workbook's first."""

    name: str
    hidden: bool
    place: str
    since: datetime


def sheets_of(archive: zipfile.ZipFile) -> list[Sheet]:
    """The workbook's sheets in their order. Raises KeyError where it has none."""
    book = parsed(archive, "xl/workbook.xml")
    since_1904 = any(p.get("date1904") in ("1", "true") for p in book.iterfind("{*}workbookPr"))
    since = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no zone
    places = {
        str(relation.get("Id")): posixpath.normpath(posixpath.join("/xl", str(relation.get("Target"))))[1:]
        for relation in parsed(archive, "xl/_rels/workbook.xml.rels").iterfind("{*}Relationship")
    }
    found: list[Sheet] = []
    for one in book.iterfind(".//{*}sheets/{*}sheet"):
        # Its namespace differs between the transitional and the strict dialect.
        attributes = {str(name): str(value) for name, value in one.attrib.items()}
        wanted = next((value for name, value in attributes.items() if name.startswith("{") and local(name) == "id"), "")
        hidden = attributes.get("state") in ("hidden", "veryHidden")
        found.append(Sheet(attributes.get("name", ""), hidden, places[wanted], since))
    if not found:
        raise KeyError("sheet")
    return found


def chosen(
    sheets: Sequence[Sheet], rows_of: Callable[[Sheet], Iterator[Row]], is_header: IsHeader
) -> tuple[Sheet, int]:
    """The sheet that is read, and from which row on. What is hidden is not read.

    Raises SHEETS_AMBIGUOUS where several that are shown hold customers, FILE_EMPTY where only hidden ones hold anything.
    """
    shown = [sheet for sheet in sheets if not sheet.hidden]
    if is_header is any_row and shown:
        return shown[0], 1
    first = {sheet.place: _beginning(rows_of(sheet)) for sheet in shown[:1]}
    first |= {sheet.place: _perhaps(rows_of(sheet)) for sheet in shown[1:]}
    headers = [(s, n) for s in shown if (n := _header(first[s.place], is_header)) is not None]
    if len(headers) > 1:
        names = " and ".join(f"{sheet.name[:_SHOWN]!r}" for sheet, _ in headers[:3])
        detail = f"The sheets {names} both hold customers: leave one of them, or save each as a file of its own."
        raise Unreadable("SHEETS_AMBIGUOUS", detail, headers[1][1])
    if headers:
        return headers[0]
    for sheet in shown:
        if first[sheet.place]:
            return sheet, 1
    for sheet in sheets:
        if sheet.hidden and _perhaps(rows_of(sheet)):
            detail = (
                f"Only the hidden sheet {sheet.name[:_SHOWN]!r} holds rows: show it, or save it as a file of its own."
            )
            raise Unreadable("FILE_EMPTY", detail)
    return (shown or sheets)[0], 1


def _beginning(rows: Iterator[Row]) -> list[Row]:
    """The first rows that say anything."""
    return list(islice((row for row in rows if any(text.strip() for text in row[1])), SOUGHT))


def _perhaps(rows: Iterator[Row]) -> list[Row]:
    """As `_beginning`, of a sheet that need not be readable as long as nobody asks for it."""
    try:
        return _beginning(rows)
    except Unreadable:
        return []


def _header(rows: Sequence[Row], is_header: IsHeader) -> int | None:
    at = header_at([texts for _, texts in rows], is_header)
    return None if at is None else rows[at][0]
