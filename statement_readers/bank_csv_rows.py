"""Rows of a bank's CSV as statement lines: which are lines, which only tell a balance, which are totals behind the last line."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from models.cash.bank_texts import BankText, Role
from models.cash.csv_formats import (
    CellError,
    ColumnName,
    FormatColumns,
    StatementFormat,
    folded,
    read_amount,
    read_date,
    read_indicator,
)
from models.cash.statements import ENTRY_IGNORED, MAX_LINES, StatementLine, StatementWarning
from models.money import is_currency
from statement_readers.fields import MAX_TEXT, clean, to_minor, unreadable
from statement_readers.joining import bank_text, kept

T = TypeVar("T")
_TOTAL = re.compile(r"[^\W\d_]{3}")
MAX_HEADER = 100


@dataclass(frozen=True, slots=True)
class Places:
    """Columns by what they say, counted from 0; `headers` are those of the file, if it has any."""

    by_name: dict[str, int]
    texts: tuple[int, ...]
    headers: tuple[str, ...]

    @classmethod
    def of(cls, columns: FormatColumns, header: Sequence[str] | None) -> "Places":
        names = {name: getattr(columns, name) for name in columns.__dataclass_fields__ if name != "remittance_text"}
        found = {name: _place(column, header) for name, column in names.items() if column is not None}
        return cls(found, tuple(_place(c, header) for c in columns.remittance_text), tuple(header or ()))

    def header(self, place: int) -> str:
        named = clean(self.headers[place], MAX_HEADER) if place < len(self.headers) else None
        return named or f"column {place + 1}"


def _place(column: ColumnName, header: Sequence[str] | None) -> int:
    if isinstance(column, int):
        return column - 1
    found = [place for place, name in enumerate(header or ()) if folded(name) == folded(column)]
    if len(found) > 1:
        raise CellError(f"the header has the column {column} more than once; name it by its place.")
    return found[0]


@dataclass(frozen=True, slots=True)
class Row:
    """What a row tells beside its line."""

    account: str | None
    balance_minor: int | None


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads one row. Raises STATEMENT_UNREADABLE with the place."""

    described: StatementFormat
    places: Places
    currency: str

    def cell(self, row: Sequence[str], name: str) -> str:
        place = self.places.by_name.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""

    def day(self, row: Sequence[str]) -> date:
        return read_date(self.described.date_format, self.cell(row, "date"))

    def is_behind_the_lines(self, row: Sequence[str]) -> bool:
        """Whether a row may be a total or a note: it has no date at all, or a word in its place."""
        text = self.cell(row, "date")
        return not text or _TOTAL.match(text) is not None

    def read(self, row: Sequence[str], line: int) -> tuple[Row, StatementLine | None]:
        """The row, and its line; none where it moves no money."""
        self._refuse_other_widths(row, line)
        currency = self.cell(row, "currency").upper() or self.currency
        if not is_currency(currency):
            raise unreadable("the currency is not an ISO 4217 code in use.", line=line, column=self._column("currency"))
        booked = self._read(lambda: self.day(row), "date", line)
        minor = self._amount(row, currency, line)
        balance = self._minor(row, "balance", currency, line)
        found = Row(clean(self.cell(row, "account")), balance)
        return found, None if minor is None else self._line(row, booked, minor, currency, line)

    def _line(self, row: Sequence[str], booked: date, minor: int, currency: str, line: int) -> StatementLine:
        valued = self.cell(row, "value_date")
        value_date = (
            self._read(lambda: read_date(self.described.date_format, valued), "value_date", line) if valued else booked
        )
        text = " ".join(row[place].strip() for place in self.places.texts if place < len(row) and row[place].strip())
        payer, reference = self.cell(row, "payer"), self.cell(row, "reference")
        return StatementLine(
            line=0,
            booking_date=booked,
            value_date=value_date,
            amount_minor=minor,
            currency_code=currency,
            payer=clean(payer),
            reference=clean(reference),
            remittance_text=clean(text, MAX_TEXT),
            bank_ref=clean(self.cell(row, "bank_reference")),
            texts=self._texts(row, payer, reference, text),
        )

    def _texts(self, row: Sequence[str], payer: str, reference: str, text: str) -> tuple[BankText, ...]:
        """Everything the row says beside dates and amounts; a payer's name is searched where the format has no text."""
        by_name = self.places.by_name
        money = {
            by_name[name] for name in ("date", "value_date", "amount", "debit", "credit", "balance") if name in by_name
        }
        read = {by_name[name] for name in ("payer", "reference") if name in by_name} | set(self.places.texts) | money
        searched = (
            bank_text(self._header("reference"), reference, Role.REFERENCE),
            bank_text("remittance_text", text, Role.TEXT),
            bank_text(self._header("payer"), payer, Role.SHOWN if text or reference else Role.NAME),
        )
        others = (bank_text(self.places.header(n), cell) for n, cell in enumerate(row) if n not in read)
        return kept(*searched, *others)

    def _amount(self, row: Sequence[str], currency: str, line: int) -> int | None:
        """Signed; None where the row has none."""
        if "amount" in self.places.by_name:
            minor = self._minor(row, "amount", currency, line)
            if minor is None or "indicator" not in self.places.by_name:
                return minor
            sign = self._read(lambda: read_indicator(self.cell(row, "indicator")), "indicator", line)
            if minor < 0 < sign:
                raise unreadable("a negative amount that is called a credit.", line=line, column=self._column("amount"))
            return sign * abs(minor)
        debit, credit = (self._minor(row, name, currency, line) for name in ("debit", "credit"))
        if debit and credit:
            raise unreadable("the row has a debit and a credit.", line=line, column=self._column("credit"))
        if credit is not None and credit < 0:
            raise unreadable("a credit is negative.", line=line, column=self._column("credit"))
        if debit:
            return -abs(debit)
        return credit if credit is not None else debit

    def _minor(self, row: Sequence[str], name: str, currency: str, line: int) -> int | None:
        text = self._read(lambda: read_amount(self.cell(row, name), self.described.decimal, currency), name, line)
        return to_minor(text, currency, line=line, column=self._column(name), name=name) if text else None

    def _refuse_other_widths(self, row: Sequence[str], line: int) -> None:
        """More cells than columns, or less: a delimiter inside of a text, or one that is lost, has moved the cells behind it, the
        amount perhaps. Empty cells behind the last column are some banks' habit."""
        width = len(self.places.headers) or max(*self.places.by_name.values(), *self.places.texts, 0) + 1
        surplus = bool(self.places.headers) and any(cell.strip() for cell in row[width:])
        if surplus or len(row) < width:
            raise unreadable(
                f"{len(row)} fields where there should be {width}.", line=line, column=min(len(row), width) + 1
            )

    def _read(self, read: Callable[[], T], name: str, line: int) -> T:
        try:
            return read()
        except CellError as error:
            raise unreadable(str(error), line=line, column=self._column(name)) from None

    def _column(self, name: str) -> int | None:
        place = self.places.by_name.get(name)
        return None if place is None else place + 1

    def _header(self, name: str) -> str:
        place = self.places.by_name.get(name)
        return name if place is None else self.places.header(place)


def read_rows(
    rows: Iterator[tuple[int, list[str]]], reader: RowReader
) -> tuple[list[tuple[Row, StatementLine]], list[StatementWarning]]:
    """The lines with what their rows tell. Rows without a date are no lines before the first line and behind the last; among
    the lines, the file is refused at the first of them."""
    found: list[tuple[Row, StatementLine]] = []
    behind: list[int] = []
    empty = width = 0
    for line, row in rows:
        if reader.is_behind_the_lines(row) and not _dated(reader, row):
            if found:
                behind.append(line)
            else:
                empty += 1  # an opening balance, or a line under the header
            continue
        if behind:
            at = reader.places.by_name["date"] + 1
            raise unreadable("a row without a date stands among the lines.", line=behind[0], column=at)
        width = width or len(row)
        if len(row) != width:
            raise unreadable(
                f"{len(row)} fields where the first line has {width}.", line=line, column=min(len(row), width) + 1
            )
        told, read = reader.read(row, line)
        if read is None:
            empty += 1
            continue
        if len(found) >= MAX_LINES:
            raise unreadable(f"the file has more than {MAX_LINES} lines.", line=line)
        found.append((told, read))
    warnings = []
    if empty:
        warnings.append(StatementWarning(ENTRY_IGNORED, f"{empty} rows without an amount were left out."))
    if behind:
        detail = f"{len(behind)} rows without a date behind the last line (from line {behind[0]}) were left out."
        warnings.append(StatementWarning(ENTRY_IGNORED, detail))
    return found, warnings


def _dated(reader: RowReader, row: Sequence[str]) -> bool:
    try:
        reader.day(row)
    except CellError:
        return False
    return True
