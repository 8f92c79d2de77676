"""CSV statements: `date,amount,currency,payer,reference,remittance_text`, UTF-8, one header line.

Amounts are decimal strings of major units, debits negative. Columns may stand in any order; the last three may be
missing. Read as a stream: memory grows with the lines kept, not with the file.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from models.cash.bank_texts import BankText, Role
from models.cash.statements import MAX_LINES, LineNumbering, Statement, StatementLine
from models.money import is_currency
from statement_readers.fields import MAX_NAME, MAX_TEXT, clean, to_date, to_minor, unreadable
from statement_readers.joining import bank_text, kept

COLUMNS = ("date", "amount", "currency", "payer", "reference", "remittance_text")
REQUIRED = COLUMNS[:3]
MAX_FIELD = 131_072


def read_csv(file: BinaryIO) -> list[Statement]:
    """The one statement of a CSV file, without account and balances, which the format does not carry."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="")
    try:
        lines = tuple(_lines(text))
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    finally:
        text.detach()  # the caller's file stays open
    dates = [line.booking_date for line in lines]
    currencies = {line.currency_code for line in lines}
    return [
        Statement(
            account_ref=None,
            statement_ref=None,
            currency_code=currencies.pop() if len(currencies) == 1 else None,
            opening_minor=None,
            closing_minor=None,
            from_date=min(dates, default=None),
            to_date=max(dates, default=None),
            lines=lines,
        )
    ]


def _lines(text: io.TextIOWrapper) -> Iterator[StatementLine]:
    rows = _Rows(text)
    header = rows.next()
    if header is None:
        raise unreadable("the file is empty.", line=1, column=1)
    places = _places(header)
    numbering = LineNumbering()
    while (row := rows.next()) is not None:
        if not row:
            continue
        if len(row) != len(header):
            raise unreadable(
                f"{len(row)} fields where the header has {len(header)}.", line=rows.line, column=len(row) + 1
            )
        if numbering.count >= MAX_LINES:
            raise unreadable(f"the file has more than {MAX_LINES} lines.", line=rows.line)
        yield numbering.number(_line(row, places, rows.line))


@dataclass
class _Rows:
    """csv.reader whose refusals know the physical line a row starts on."""

    text: io.TextIOWrapper
    line: int = 0

    def __post_init__(self) -> None:
        self._reader = csv.reader(self.text, strict=True)

    def next(self) -> list[str] | None:
        self.line = self._reader.line_num + 1
        try:
            row = next(self._reader, None)
        except csv.Error:
            raise self._malformed() from None
        # The csv module's own limit is the process's: other readers may have raised it.
        if row is not None and any(len(cell) > MAX_FIELD for cell in row):
            raise self._malformed()
        return row

    def _malformed(self) -> Exception:
        return unreadable("the row is not well-formed CSV (quotes, or a field too long).", line=self.line)


def _places(header: list[str]) -> dict[str, int]:
    """Column name → position. The header is what makes a file of commas a statement."""
    places: dict[str, int] = {}
    for position, raw in enumerate(header):
        name = raw.strip().lower()
        if name not in COLUMNS or name in places:
            raise unreadable(f"the first line must be the header {','.join(COLUMNS)}.", line=1, column=position + 1)
        places[name] = position
    missing = [name for name in REQUIRED if name not in places]
    if missing:
        raise unreadable(f"the header lacks {', '.join(missing)}.", line=1, column=len(header) + 1)
    return places


def _line(row: list[str], places: dict[str, int], line: int) -> StatementLine:
    for position, cell in enumerate(row):
        if "\x00" in cell:
            raise unreadable("a NUL character.", line=line, column=position + 1)

    def column(name: str) -> int:
        return places[name] + 1

    def field(name: str) -> str:
        return row[places[name]].strip() if name in places else ""

    booked = to_date(field("date"), line=line, column=column("date"))
    currency = field("currency")
    if not is_currency(currency):
        raise unreadable("the currency is not an ISO 4217 code in use.", line=line, column=column("currency"))
    return StatementLine(
        line=0,
        booking_date=booked,
        value_date=booked,
        amount_minor=to_minor(field("amount"), currency, line=line, column=column("amount")),
        currency_code=currency,
        payer=clean(field("payer")),
        reference=clean(field("reference")),
        remittance_text=clean(field("remittance_text"), MAX_TEXT),
        texts=_shortened(field("reference"), field("remittance_text")),
    )


def _shortened(reference: str, text: str) -> tuple[BankText, ...]:
    """Texts that are kept in part only: where they were cut, no word is believed. Others say nothing beyond the line."""
    if len(reference) <= MAX_NAME and len(text) <= MAX_TEXT:
        return ()
    return kept(bank_text("reference", reference, Role.REFERENCE), bank_text("remittance_text", text, Role.TEXT))


def _not_utf8(file: BinaryIO) -> Exception:
    """The decoder reads ahead of the rows, so the place is found by a second reading."""
    file.seek(0)
    for number, raw in enumerate(file, start=1):
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return unreadable("the file is not UTF-8.", line=number, column=error.start + 1)
    return unreadable("the file is not UTF-8.")
