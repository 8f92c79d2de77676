"""A bank's own CSV, read as its described format says: preamble, columns of any name and order, lines of totals at the end.

Read whole or not at all. What is left out (rows without money, totals behind the last line) is told in a warning.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from models.cash.csv_formats import CellError, ColumnName, StatementFormat, folded
from models.cash.statements import ENCODING_GUESSED, LineNumbering, Statement, StatementLine, StatementWarning
from models.errors import Refusal
from statement_readers.bank_csv_balances import with_balances
from statement_readers.bank_csv_rows import Places, Row, RowReader, read_rows
from statement_readers.fields import unreadable

DELIMITERS = (",", ";", "\t", "|")
SEARCHED_ROWS = 60
"""How far down a header is looked for."""
MAX_FIELD = 131_072
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_bank_csv(file: BinaryIO, described: StatementFormat, currency: str) -> list[Statement]:
    """One statement per account that the file names; `currency` is the bank account's, for files that name none.

    Raises Refusal STATEMENT_UNREADABLE with `line` and `column`.
    """
    file.seek(0)
    text, warnings = _decoded(file.read(), described.encoding)
    delimiter = described.delimiter or _delimiter(text, described)
    rows = _rows(text, delimiter, described.skip_rows or 0)
    places = _places(rows, described)
    reader = RowReader(described, places, currency)
    read, left_out = read_rows(rows, reader)
    return _statements(read, (*warnings, *left_out))


def _statements(read: Sequence[tuple[Row, StatementLine]], warnings: Sequence[StatementWarning]) -> list[Statement]:
    """The lines by the account that they name, in the order of the file."""
    groups: dict[str | None, list[tuple[Row, StatementLine]]] = {}
    for row, line in read:
        groups.setdefault(row.account, []).append((row, line))
    numbering = LineNumbering()
    statements: list[Statement] = []
    for account, lines in (groups or {None: []}).items():
        numbered = tuple(numbering.number(line) for _, line in lines)
        days = [line.booking_date for line in numbered]
        currencies = {line.currency_code for line in numbered}
        statement = Statement(
            account_ref=account, statement_ref=None, currency_code=currencies.pop() if len(currencies) == 1 else None,
            opening_minor=None, closing_minor=None, from_date=min(days, default=None), to_date=max(days, default=None),
            lines=numbered, warnings=() if statements else tuple(warnings),
        )  # fmt: skip
        statements.append(with_balances(statement, [row.balance_minor for row, _ in lines]))
    return statements


def _decoded(data: bytes, encoding: str | None) -> tuple[str, tuple[StatementWarning, ...]]:
    """The text: in the encoding that is described, or marked at its beginning; else UTF-8, else Windows-1252, with a warning."""
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return _as(data[len(mark) :], marked), ()
    if encoding is not None:
        return _as(data, encoding), ()
    try:
        return _as(data, "utf-8"), ()
    except Refusal:
        text = _as(data, "cp1252")
    warning = StatementWarning(
        ENCODING_GUESSED, "The file is not UTF-8 and was read as Windows-1252; say so in its format."
    )
    return text, (warning,)


def _as(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        raise unreadable(f"the file is not {encoding}.", line=line, column=column) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\x00")) >= 0:
        raise unreadable(
            "a NUL character: the file is in another encoding.", line=text.count("\n", 0, at) + 1, column=1
        )
    if not text.strip():
        raise unreadable("the file is empty.", line=1, column=1)
    return text


@dataclass
class _Rows:
    """csv.reader that knows the physical line a row starts on, and can be looked ahead in."""

    text: str
    delimiter: str
    skip: int

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        source = io.StringIO(self.text, newline="")
        for _ in range(self.skip):
            source.readline()
        reader = csv.reader(source, delimiter=self.delimiter, strict=True)
        while True:
            line = self.skip + reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error:
                raise unreadable("the row is not well-formed CSV (quotes, or a field too long).", line=line) from None
            if row is None:
                return
            if any(len(cell) > MAX_FIELD for cell in row):
                raise unreadable("a field is too long.", line=line)
            if any(cell.strip() for cell in row):
                yield line, row


def _rows(text: str, delimiter: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    return iter(_Rows(text, delimiter, skip))


def _delimiter(text: str, described: StatementFormat) -> str:
    """The one by which the header's columns are told apart; of a file without one, that of the first row's most columns."""
    best = ","
    most = 0
    for delimiter in DELIMITERS:
        try:
            ahead = [row for _, row in islice(_rows(text, delimiter, described.skip_rows or 0), SEARCHED_ROWS)]
        except Refusal:
            continue
        if described.columns.have_header:
            if any(_found(row, described.columns.all()) for row in ahead):
                return delimiter
        elif ahead and len(ahead[0]) > most:
            best, most = delimiter, len(ahead[0])
    return best


def _found(row: Sequence[str], names: Iterable[ColumnName]) -> bool:
    header = {folded(cell) for cell in row}
    return all(folded(name) in header for name in names if isinstance(name, str))


def _places(rows: Iterator[tuple[int, list[str]]], described: StatementFormat) -> Places:
    """Where each column stands. The header is the first row after those that are skipped; it is looked for where the format
    does not say how many."""
    columns = described.columns
    if not columns.have_header:
        return Places.of(columns, None)
    for tried, (line, row) in enumerate(rows):
        if _found(row, columns.all()):
            try:
                return Places.of(columns, row)
            except CellError as error:
                raise unreadable(str(error), line=line) from None
        if described.skip_rows is not None or tried + 1 >= SEARCHED_ROWS:
            header = {folded(cell) for cell in row}
            missing = [str(n) for n in columns.all() if isinstance(n, str) and folded(n) not in header]
            raise unreadable(f"the header lacks the columns {', '.join(missing)}.", line=line)
    raise unreadable("no row of the file is the header that its format describes.", line=1)
