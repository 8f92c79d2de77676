"""CSV as RFC 4180 has it, and as spreadsheets write it: any of four delimiters, quoted fields over several lines."""

import csv
import re
from collections.abc import Generator, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from import_readers.blocks import RECORD_LIMIT, Block, Layout, Unreadable
from import_readers.cells import cells
from import_readers.headings import SOUGHT, IsHeader, any_row, header_at

DELIMITERS: Final = (",", ";", "\t", "|")
_ALL: Final = "".join(DELIMITERS)
_SEPARATOR: Final = re.compile(r"sep=([,;|\t])[ \t]*\n", re.IGNORECASE)
_BLANK: Final = " \t\u00a0\x1a\x0c"
"""What a row says nothing by; Ctrl-Z is how old programs end a text, and a form feed a page."""
_RULE: Final = re.compile(r"[-=+|_ ]{5,}")
"""What programs draw between the lines of a list."""
_LIST_OF_CUSTOMERS: Final = "!CUST"
"""What stands before the columns of customers in QuickBooks' files of many lists; its rows begin with CUST."""
_QUOTED_AS_A_WHOLE: Final = (
    "Each line stands in quotes as a whole: save the file again, with quotes around its fields only."
)
csv.field_size_limit(RECORD_LIMIT)


def csv_rows(
    blocks: Iterator[str], delimiter: str | None, is_header: IsHeader = any_row
) -> tuple[Layout, Iterator[Block]]:
    """The layout, and the rows after the header. Raises FILE_EMPTY, CSV_QUOTING, LINE_TOO_LONG, COLUMN_MISSING."""
    first = next((b for b in blocks if b.strip()), None)
    if first is None:
        raise Unreadable("FILE_EMPTY", "The file is empty.", 1, 1)
    while first.count("\n") < SOUGHT and (more := next(blocks, None)) is not None:
        first += more
    if said := _SEPARATOR.match(first):  # what spreadsheets are told by: no row
        delimiter, first = delimiter or said[1], "\n" + first[said.end() :]
    lines = islice((line for line in first.split("\n") if line.strip(_BLANK + _ALL)), SOUGHT)
    found = delimiter or _delimiter(list(lines), is_header)
    rows = _rows(chain([first], blocks), found)
    block = next((b for b in rows if b.raws), None)
    if block is None:
        raise Unreadable("FILE_EMPTY", "The file is empty.", 1, 1)
    if block.raws[0].startswith("!") and found == "\t":
        return _list_of_customers(chain([block], rows))
    at = header_at([cells(raw, found) for raw in block.raws[:SOUGHT]], is_header) or 0
    names = _names(block.raws[at], found)
    if (
        len(names) == 1
        and block.raws[at].lstrip()[:1] == '"'
        and any(is_header(cells(names[0], d)) for d in DELIMITERS if d in names[0])
    ):
        raise Unreadable("CSV_QUOTING", _QUOTED_AS_A_WHOLE, block.lines[at], 1)
    layout = Layout("csv", names, found, block.lines[at])
    return layout, chain([Block(block.lines[at + 1 :], block.raws[at + 1 :])], rows)


def _names(raw: str, delimiter: str) -> tuple[str, ...]:
    """The names of the columns; where bars stand between them, without the blanks that fill them up."""
    names = cells(raw, delimiter)
    return tuple(name.strip() for name in names) if delimiter == "|" else tuple(names)


def _list_of_customers(rows: Iterator[Block]) -> tuple[Layout, Iterator[Block]]:
    """Of a file of many lists that of the customers."""
    for block in rows:
        for n, raw in enumerate(block.raws):
            names = cells(raw, "\t")
            if names[:1] == [_LIST_OF_CUSTOMERS]:
                rest = Block(block.lines[n + 1 :], block.raws[n + 1 :])
                return Layout("csv", tuple(names), "\t", block.lines[n]), _customers(chain([rest], rows))
    raise Unreadable("COLUMN_MISSING", f"None of the file's lists is of customers ({_LIST_OF_CUSTOMERS}).", 1, 1)


def _customers(rows: Iterator[Block]) -> Iterator[Block]:
    kind = _LIST_OF_CUSTOMERS[1:] + "\t"
    for block in rows:
        kept = [(n, raw) for n, raw in zip(block.lines, block.raws, strict=True) if raw.startswith(kind)]
        yield Block([n for n, _ in kept], [raw for _, raw in kept])


def _delimiter(lines: Sequence[str], is_header: IsHeader) -> str:
    """The candidate that splits the header into most fields, a comma where none does. The header is the first line that is one
    by some candidate; the first line, where none is."""
    for line in lines:
        split = {d: names for d in DELIMITERS if len(names := cells(line, d)) > 1 and is_header(names)}
        if split:
            return max(split, key=lambda d: (len(split[d]), d == ","))
    first = next(iter(lines), "")
    return max(DELIMITERS, key=lambda d: (len(cells(first, d)), d == ","))


def _rows(blocks: Iterator[str], delimiter: str) -> Iterator[Block]:
    """Records of the file that say anything. Where a block has no quote, a record is a line: that is most of most files."""
    line = 1
    nothing = _BLANK + delimiter
    blank = re.compile(f"[{re.escape(nothing)}]*|{_RULE.pattern}")
    # Begins with a line feed, from one to the next of which the search leaps.
    has_blank = re.compile(f"\n(?:{blank.pattern})(?=\n)")
    for block in blocks:
        if '"' in block:
            line = yield from _quoted(block, blocks, line, delimiter)
            continue
        raws = block.split("\n")
        raws.pop()
        lines: range | list[int] = range(line, line + len(raws))
        line += len(raws)
        if has_blank.search("\n" + block):
            kept = [(n, raw) for n, raw in zip(lines, raws, strict=True) if not blank.fullmatch(raw)]
            lines, raws = [n for n, _ in kept], [raw for _, raw in kept]
        yield Block(lines, raws)


def _quoted(block: str, blocks: Iterator[str], line: int, delimiter: str) -> Generator[Block, None, int]:
    """The records that begin in `block`, reading further blocks where a quoted field runs on; the next line number."""
    open_lines: list[str] = []
    size = 0

    def feed() -> Iterator[str]:
        nonlocal size
        text: str | None = block
        while text is not None:
            parts = text.split("\n")
            parts.pop()
            for part in parts:
                open_lines.append(part)
                size += len(part) + 1
                if size > RECORD_LIMIT:
                    raise Unreadable(
                        "LINE_TOO_LONG", f"A quoted field is not closed within {RECORD_LIMIT} characters.", line, 1
                    )
                yield part + "\n"
            if not open_lines:
                return
            text = next(blocks, None)

    lines, raws = [], []
    try:
        for record in csv.reader(feed(), delimiter=delimiter, strict=True, skipinitialspace=True):
            if any(cell.strip(_BLANK) for cell in record) and not _RULE.fullmatch(open_lines[0]):
                lines.append(line)
                raws.append("\n".join(open_lines))
            line += len(open_lines)
            open_lines.clear()
            size = 0
    except csv.Error as error:
        raise _quoting(error, line, open_lines, delimiter) from None
    if open_lines:
        raise _quoting(csv.Error("unexpected end of data"), line, open_lines, delimiter)
    yield Block(lines, raws)
    return line


def _quoting(error: csv.Error, line: int, lines: list[str], delimiter: str) -> Unreadable:
    if "unexpected end" in str(error):
        column = lines[0].rfind('"') + 1 if lines else 1
        return Unreadable("CSV_QUOTING", "A quoted field is never closed.", line, column)
    column = _after_quote("\n".join(lines), delimiter)
    return Unreadable("CSV_QUOTING", "A closing quote is followed by neither delimiter nor line end.", line, column)


def _after_quote(raw: str, delimiter: str) -> int:
    """Where (from 1) a character follows a closing quote that must not."""
    at, quoted, start = 0, False, True
    while at < len(raw):
        c = raw[at]
        if quoted:
            if c == '"' and raw[at + 1 : at + 2] == '"':
                at += 1
            elif c == '"':
                if raw[at + 1 : at + 2] not in ("", delimiter, "\n"):
                    return at + 2
                quoted = False
        elif c == '"' and start:
            quoted = True
        start = c == delimiter or (start and c == " ")
        at += 1
    return 1
