"""Files of exchange rates: the European Central Bank's (XML, CSV, either in a ZIP), and plain CSV. Pure.

The bank's name the units of a currency per euro, a day a line or a `Cube`; a plain file has the columns `base_currency`,
`quote_currency`, `rate_date`, `rate`.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from models.cash.fx import StoredRate
from models.money import is_currency

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_RATES: Final = 500_000
_PLAIN: Final = ("base_currency", "quote_currency", "rate_date", "rate")
_SMALLEST, _LARGEST = Decimal("0.0000001"), Decimal("1000000000")


class RatesUnreadable(Exception):
    """The file holds no rates, or one that cannot be."""


def read_rates(content: bytes) -> list[StoredRate]:
    """Every rate of the file. Raises RatesUnreadable."""
    if content.startswith(b"PK\x03\x04"):
        content = _unpacked(content)
    if len(content) > MOST_BYTES:
        raise RatesUnreadable("the file is too large")
    found = list(_of_xml(content) if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _of_csv(content))
    if not found:
        raise RatesUnreadable("there is no rate in it")
    if len(found) > MOST_RATES:
        raise RatesUnreadable("there are too many rates in it")
    return found


def _unpacked(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            (only,) = packed.infolist()
            with packed.open(only) as file:
                return file.read(MOST_BYTES + 1)
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        # The last four are zipfile's: a compression that it does not know, a password, an end too early.
        raise RatesUnreadable("a ZIP of rates holds one file") from None


def _of_xml(content: bytes) -> Iterator[StoredRate]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    if b"<!DOCTYPE" in content:  # before its entities are expanded
        raise RatesUnreadable("a file of rates has no document type")
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise RatesUnreadable(f"the file is no XML: {error.msg}") from None
    if root.getroottree().docinfo.internalDTD is not None:  # one in another encoding
        raise RatesUnreadable("a file of rates has no document type")
    for day in root.iter("{*}Cube"):
        if (at := day.get("time")) is not None:
            for one in day.iter("{*}Cube"):
                if (currency := one.get("currency")) is not None:
                    yield _rate("EUR", currency, at, one.get("rate") or "")


def _of_csv(content: bytes) -> Iterator[StoredRate]:
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        header = [name.strip() for name in next(rows, [])]
        if header[:1] == ["Date"]:
            for row in rows:
                for currency, rate in zip(header[1:], row[1:], strict=False):
                    if currency and is_currency(currency) and rate.strip() not in ("", "N/A"):
                        yield _rate("EUR", currency, row[0], rate)
        elif set(_PLAIN) <= set(header):
            at = [header.index(name) for name in _PLAIN]
            for row in rows:
                if any(cell.strip() for cell in row):
                    base, quote, day, rate = (row[n] if n < len(row) else "" for n in at)
                    yield _rate(base.strip(), quote.strip(), day, rate)
        else:
            raise RatesUnreadable(f"the columns are neither those of the ECB nor {', '.join(_PLAIN)}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise RatesUnreadable(f"the file is no CSV in UTF-8: {error}") from None


def _rate(base: str, quote: str, day: str, rate: str) -> StoredRate:
    where = f"{base}/{quote} of {day.strip()}"
    if not (is_currency(base) and is_currency(quote)) or base == quote:
        raise RatesUnreadable(f"{where}: two different currencies are needed")
    try:
        value = Decimal(rate.strip())
    except InvalidOperation:
        raise RatesUnreadable(f"{where}: {rate.strip()[:40]!r} is no rate") from None
    if not (value.is_finite() and _SMALLEST <= value <= _LARGEST):
        raise RatesUnreadable(f"{where}: {rate.strip()[:40]} cannot be a rate")
    return StoredRate(base, quote, _day(day.strip(), where), value)


def _day(text: str, where: str) -> date:
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day
        except ValueError:
            continue
    raise RatesUnreadable(f"{where}: no day")


def business_days_since(day: date, today: date) -> int:
    """How many Mondays to Fridays lie after `day`, up to and with `today`."""
    whole, rest = divmod(max((today - day).days, 0), 7)
    return whole * 5 + sum((day.weekday() + n) % 7 < 5 for n in range(1, rest + 1))
