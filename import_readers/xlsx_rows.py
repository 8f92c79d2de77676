"""XLSX: the sheet of customers, read as a stream. Nothing is held but the row at hand, so the extent of a sheet costs nothing.

Text of a cell: what the spreadsheet shows, as far as it says so. Formulas count by the result that is kept beside them; where
none is kept, the formula itself is the text. Errors (#REF!) are text too. The checks judge both; nothing disappears unseen.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Final

from lxml import etree

from import_readers.blocks import RECORD_LIMIT, Block, Layout, Unreadable
from import_readers.headings import IsHeader, any_row
from import_readers.xlsx_parts import Shared, Styles, local, parser_of
from import_readers.xlsx_sheets import Sheet, chosen, sheets_of

UNPACKED_LIMIT: Final = 768 * 1024 * 1024
"""Bytes that an XLSX may unpack to, counted by unpacking it: what its directory says is not believed."""
_ENTRIES_LIMIT: Final = 5000
_BLOCK: Final = 2000
_PIECE: Final = 1 << 18
_EXACT: Final = 10**15  # beyond, a double has lost digits of what was typed
_ROWS_LIMIT: Final = 1_048_576
_COLUMNS_LIMIT: Final = 16_384
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_BROKEN: Final = (
    etree.XMLSyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # zipfile, of a compression it does not know
    RuntimeError,
    OSError,
    KeyError,
    ValueError,
)


def xlsx_rows(path: Path, is_header: IsHeader = any_row) -> tuple[Layout, Iterator[Block]]:
    """The layout, and the rows below the header, of the one sheet that is shown and holds customers; else of the first that is
    shown. Raises XLSX_INVALID, XLSX_TOO_LARGE, LINE_TOO_LONG, FILE_EMPTY, SHEETS_AMBIGUOUS."""
    with _readable(lambda: (1, 1)):
        _weigh(path)
        _is_workbook(path)
    sheet, header = chosen(_sheets(path), lambda found: _rows(path, found), is_header)
    rows = _rows(path, sheet)
    for line, texts in rows:
        if line >= header and any(text.strip() for text in texts):
            left = next(n for n, text in enumerate(texts) if text.strip())
            while not texts[-1].strip():
                texts.pop()
            return Layout("cells", tuple(texts[left:]), header_line=line), _blocks(rows, left, len(texts))
    raise Unreadable("FILE_EMPTY", "The first sheet is empty.", 1, 1)


def _blocks(rows: Iterator[tuple[int, list[str]]], left: int, right: int) -> Iterator[Block]:
    lines: list[int] = []
    raws: list[str] = []
    for line, texts in rows:
        texts += [""] * (right - len(texts))
        while len(texts) > right and not texts[-1].strip():
            texts.pop()
        if outside := next((n for n, text in enumerate(texts[:left], 1) if text.strip()), None):
            raise Unreadable("COLUMN_UNKNOWN", "The cell stands left of the first named column.", line, outside)
        if any(text.strip() for text in texts):
            lines.append(line)
            raws.append(json.dumps(texts[left:], ensure_ascii=False))
        if len(raws) == _BLOCK:
            yield Block(lines, raws)
            lines, raws = [], []
    yield Block(lines, raws)


def _rows(path: Path, wanted: Sheet) -> Iterator[tuple[int, list[str]]]:
    """(row number, texts from column A on) of a sheet."""
    with _readable(lambda: (1, 1)):
        archive = zipfile.ZipFile(path)
    with archive:
        with _readable(lambda: (1, 1)):
            styles = Styles(archive)
            xml = archive.open(wanted.place)
        with xml:
            with _readable(lambda: (1, 1)):
                shared = Shared(archive, path.parent)
            with shared:
                sheet = _Sheet(shared, styles, wanted.since)
                with _readable(lambda: sheet.place):
                    yield from _streamed(xml, sheet)


def _sheets(path: Path) -> list[Sheet]:
    with _readable(lambda: (1, 1)), zipfile.ZipFile(path) as archive:
        return sheets_of(archive)


@contextmanager
def _readable(place: Callable[[], tuple[int, int]]) -> Iterator[None]:
    try:
        yield
    except Unreadable:
        raise
    except _BROKEN:
        raise Unreadable("XLSX_INVALID", "The file is not a readable XLSX workbook.", *place()) from None


def _streamed(xml: IO[bytes], sheet: "_Sheet") -> Iterator[tuple[int, list[str]]]:
    parser = parser_of(sheet)
    while piece := xml.read(_PIECE):
        parser.feed(piece)
        yield from sheet.take()
    parser.close()
    yield from sheet.take()


class _Sheet:
    """Collects rows from the events of the parser; holds one row at a time."""

    def __init__(self, shared: Shared, styles: Styles, since: datetime) -> None:
        self._shared, self._styles, self._since = shared, styles, since
        self._ready: list[tuple[int, list[str]]] = []
        self.number = 0
        self._texts: list[str] = []
        self._size = 0
        self._column = 0
        self._kind = self._style = ""
        self._part = ""
        self._aside = False
        self._cell_texts: dict[str, list[str]] = {}

    @property
    def place(self) -> tuple[int, int]:
        """The row and the column that were begun last."""
        return max(self.number, 1), max(self._column, 1)

    def take(self) -> list[tuple[int, list[str]]]:
        """The rows that are complete."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local(tag)
        if name == "c":
            place = _REFERENCE.fullmatch(attributes.get("r") or "")
            self._column = _column(place[1]) if place else self._column + 1
            self._kind, self._style = attributes.get("t") or "n", attributes.get("s") or ""
            self._cell_texts = {}
            if self._column > _COLUMNS_LIMIT:
                raise Unreadable("XLSX_INVALID", "The sheet has more columns than there are.", *self.place)
        elif name == "row":
            self.number = int(attributes.get("r") or self.number + 1)
            self._texts, self._size, self._column = [], 0, 0
            if not 0 < self.number <= _ROWS_LIMIT:
                raise Unreadable("XLSX_INVALID", "The sheet has more rows than there are.", 1, 1)
        elif name in ("v", "f", "t") and not self._aside:
            self._part = name
        elif name == "rPh":  # how to pronounce it
            self._aside = True

    def data(self, text: str) -> None:
        if self._part:
            self._cell_texts.setdefault(self._part, []).append(text)
            self._size += len(text)
            if self._size > RECORD_LIMIT:
                too_long = f"The row is longer than {RECORD_LIMIT} characters."
                raise Unreadable("LINE_TOO_LONG", too_long, self.number, max(self._column, 1))

    def end(self, tag: str) -> None:
        name = local(tag)
        if name == self._part:
            self._part = ""
        elif name == "rPh":
            self._aside = False
        elif name == "c":
            text = self._text()
            if text:
                self._size += len(text) if self._kind == "s" else 0
                self._texts += [""] * (self._column - len(self._texts))
                self._texts[self._column - 1] = text
        elif name == "row":
            self._ready.append((self.number, self._texts))

    def close(self) -> None: ...

    def _text(self) -> str:
        value, formula = "".join(self._cell_texts.get("v", ())), "".join(self._cell_texts.get("f", ()))
        kind = self._kind
        if kind == "inlineStr":
            text = "".join(self._cell_texts.get("t", ()))
        elif not value:
            return f"={formula}" if formula else ""
        elif kind == "s":
            text = self._shared[int(value)]
        elif kind == "b":
            return "true" if value == "1" else "false"
        elif kind == "n":
            return self._number(value)
        else:
            text = value
        return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")

    def _number(self, value: str) -> str:
        """Whole numbers without a point, dates in ISO; numbers that have lost digits keep their exponent, as a warning."""
        number = float(value)
        if self._styles.is_date(self._style) and 0 <= number < 2_958_466:
            at = self._since + timedelta(seconds=round(number * 86_400))
            return at.date().isoformat() if number.is_integer() else at.isoformat()
        if abs(number) >= _EXACT:
            return f"{number:.14E}"
        if number.is_integer():
            return self._styles.padded(self._style, int(number)) or str(int(number))
        return f"{Decimal(f'{number:.15g}'):f}"  # a spreadsheet shows no more digits than these


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _weigh(path: Path) -> None:
    """Refuse what unpacks to more than the limit, before anything is unpacked into memory."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        left = UNPACKED_LIMIT
        too_large = Unreadable("XLSX_TOO_LARGE", f"The workbook unpacks to more than {UNPACKED_LIMIT} bytes.")
        if len(entries) > _ENTRIES_LIMIT or sum(e.file_size for e in entries) > left:
            raise too_large
        for entry in entries:
            with archive.open(entry) as unpacked:
                while piece := unpacked.read(1 << 20):
                    left -= len(piece)
                    if left < 0:
                        raise too_large


def _is_workbook(path: Path) -> None:
    """Refuse an archive of another kind by what it is: exports of several files, sheets of other programs."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" in names:
            return
        if "mimetype" in names or "xl/workbook.bin" in names or "Index/Document.iwa" in names:
            raise Unreadable("XLSX_INVALID", "The workbook is another program's: save it as XLSX or CSV.")
        lists = [name for name in names if name.lower().endswith((".csv", ".xlsx", ".tsv", ".txt"))]
        if lists:
            shown = ", ".join(name[:60] for name in lists[:3])
            raise Unreadable(
                "XLSX_INVALID", f"The file is an archive of {shown}: unpack it, and upload the one of customers."
            )
