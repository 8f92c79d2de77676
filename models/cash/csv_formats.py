"""How a bank writes its CSV: which columns say what, in which order dates and in which way amounts are written.

Pure: a format reads the text of a cell, or raises CellError, which says why it cannot. Nothing is guessed: a cell that can
be read in another way only is refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Final


class CellError(ValueError):
    """Why a cell cannot be read; never quotes it."""


class Decimal(StrEnum):
    COMMA = ","
    POINT = "."


ColumnName = int | str
"""A column by its header, or by its place from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatColumns:
    """Which column says what. Either `amount` is signed (or unsigned beside `indicator`), or `debit` and `credit` hold what
    left and what came. Several columns of `remittance_text` are one text, in their order."""

    date: ColumnName
    value_date: ColumnName | None = None
    amount: ColumnName | None = None
    debit: ColumnName | None = None
    credit: ColumnName | None = None
    indicator: ColumnName | None = None
    currency: ColumnName | None = None
    balance: ColumnName | None = None
    account: ColumnName | None = None
    payer: ColumnName | None = None
    reference: ColumnName | None = None
    bank_reference: ColumnName | None = None
    remittance_text: Sequence[ColumnName] = ()

    def all(self) -> list[ColumnName]:
        """Every column that is named."""
        names = (getattr(self, name) for name in self.__dataclass_fields__ if name != "remittance_text")
        return [name for name in (*names, *self.remittance_text) if name is not None]

    @property
    def have_header(self) -> bool:
        """Whether the file says what its columns are called: where none is known by a name, its first row is a line."""
        return any(isinstance(name, str) for name in self.all())


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFormat:
    """A bank's CSV, described once for a bank account. `delimiter` and `encoding` None: told from the file; `skip_rows` None:
    the header is looked for."""

    bank_account_id: str
    name: str
    delimiter: str | None = None
    encoding: str | None = None
    skip_rows: int | None = None
    date_format: str
    decimal: Decimal
    columns: FormatColumns
    created_at: datetime = field(compare=False)
    created_by: str = field(compare=False)


# Dates

_TIME: Final = re.compile(
    r"[T ]+[0-9]{1,2}[:.][0-9]{2}([:.][0-9]{2})?([.,][0-9]+)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_PARTS: Final = re.compile(r"%[A-Za-z]|[Yy]+|[Mm]+|[Dd]+|[^%A-Za-z]")
_STRPTIME: Final = {"%d": "DD", "%m": "MM", "%Y": "YYYY", "%y": "YY", "%b": "MMM", "%B": "MMM", "%e": "DD", "%-d": "D"}
_ORDERS: Final = {"dmy": "D/M/Y", "mdy": "M/D/Y", "ymd": "Y/M/D"}
_MONTHS: Final[Mapping[str, int]] = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier januari enero ene janv",
            "feb february februar fevrier fev februari febrero fevr",
            "mar march marz maerz mrz mars maart mrt marzo",
            "apr april avril avr abril abr",
            "may mai mei mayo",
            "jun june juni juin junio",
            "jul july juli juillet juil julio",
            "aug august aout augustus agosto ago",
            "sep sept september septembre septiembre",
            "oct october okt oktober octobre octubre",
            "nov november novembre noviembre",
            "dec december dez dezember decembre dic diciembre",
        ),
        1,
    )
    for name in names.split()
}
_ACCENTS: Final = str.maketrans("äéèûôç", "aeeuoc")


@cache
def date_pattern(written: str) -> re.Pattern[str]:
    """A date format, written DD/MM/YYYY, %d/%m/%Y or dmy, as a pattern. ValueError where it does not name day, month and year
    once each."""
    known = _ORDERS.get(written.strip().lower())
    text = known or re.split(r"[T ,]+(?=%H|%I|%T|HH|hh|H:|h:)", written.strip())[0]
    parts = _PARTS.findall(text)
    if "".join(parts) != text:
        raise ValueError("something in it is no part of a date")
    kinds = [_STRPTIME.get(part, part) for part in parts]
    pattern = ""
    for number, kind in enumerate(kinds):
        alone = not any(_is_digits(kinds[n]) for n in (number - 1, number + 1) if 0 <= n < len(kinds))
        pattern += r"[-/. ]" if known and kind == "/" else _part(kind, alone)
    try:
        compiled = re.compile(pattern)
    except re.error:
        raise ValueError("it names one of them twice") from None
    if set(compiled.groupindex) not in ({"d", "m", "y"}, {"d", "b", "y"}):
        raise ValueError("it does not name day, month and year")
    return compiled


def _is_digits(kind: str) -> bool:
    return kind[0] in "YyDd" or (kind[0] in "Mm" and len(kind) < 3)


def _part(kind: str, alone: bool) -> str:
    match kind[0].upper(), len(kind):
        case "Y", 2:
            return "(?P<y>[0-9]{2})"
        case "Y", 1 | 4:
            return "(?P<y>[0-9]{4})"
        case "M", 1 | 2:
            return "(?P<m>[0-9]{1,2})" if alone else "(?P<m>[0-9]{2})"
        case "M", 3 | 4:
            return r"(?P<b>[^\W\d_]{3,12})\.?"
        case "D", 1 | 2:
            return "(?P<d>[0-9]{1,2})" if alone else "(?P<d>[0-9]{2})"
    if kind[0].isalpha() or kind[0] == "%":
        raise ValueError("something in it is no part of a date")
    return re.escape(kind)


def read_date(written: str, text: str) -> date:
    """A cell as a date; what follows it as a time is left out. Raises CellError."""
    bare = _TIME.sub("", text.strip())
    found = date_pattern(written).fullmatch(bare)
    if found is None:
        raise CellError(f"the date is not written {written}.")
    parts = found.groupdict()
    month = int(parts["m"]) if "m" in parts else _MONTHS.get(parts["b"].lower().translate(_ACCENTS), 0)
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    try:
        return date(year, month, int(parts["d"]))
    except ValueError:
        raise CellError("the date is no day of the calendar.") from None


# Amounts

_SYMBOLS: Final = "£$€¥"
_BLANKS: Final = re.compile(r"[\s\u00a0\u202f\u2009]+")
_MINUS: Final = "-\u2212\u2013"
_SUFFIX: Final = re.compile(r"(?P<rest>.*?)(?P<word>CR|DR)\.?", re.IGNORECASE)
_INDICATORS: Final = {
    **dict.fromkeys(("D", "DR", "DBIT", "DEBIT", "S", "SOLL", "AF", "-", "OUT", "DEBET"), -1),
    **dict.fromkeys(("C", "CR", "CRDT", "CREDIT", "H", "HABEN", "BIJ", "+", "IN", "KREDIT"), 1),
}


def read_amount(text: str, decimal: Decimal, currency: str) -> str:
    """A cell as a plain decimal number in units of the currency, for `to_minor`; empty for an empty cell. Raises CellError."""
    bare = text.strip()
    if not bare:
        return ""
    sign, bare = _signed(bare.replace(currency, "", 1) if currency else bare)
    bare = bare.strip(_SYMBOLS + " \u00a0")
    inner, bare = _signed(bare)  # -$5.00 and $-5.00
    if sign and inner:
        raise CellError("the amount has two signs.")
    grouped = "," if decimal is Decimal.POINT else "."
    whole, point, fraction = bare.partition(decimal.value)
    for separator in (grouped, "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009"):
        if separator in whole and re.fullmatch(rf"[0-9]{{1,3}}(?:{re.escape(separator)}[0-9]{{3}})+", whole):
            whole = whole.replace(separator, "")
            break
    if not re.fullmatch(r"[0-9]*", whole) or not re.fullmatch(r"[0-9]*", fraction) or not (whole or fraction):
        raise CellError(f"the amount is no number with the decimal sign {decimal.value}")
    if point and not fraction:
        raise CellError("the amount ends with its decimal sign.")
    return f"{sign or inner}{whole or '0'}{'.' + fraction if fraction else ''}"


def _signed(text: str) -> tuple[str, str]:
    """The sign and the rest: in front, behind, as brackets, or as CR and DR."""
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        return "-", text[1:-1].strip()
    if found := _SUFFIX.fullmatch(text):
        return ("-" if found.group("word").upper() == "DR" else "+"), found.group("rest").strip()
    if text[:1] and text[0] in _MINUS:
        return "-", text[1:].strip()
    if text[-1:] and text[-1] in _MINUS:
        return "-", text[:-1].strip()
    if text[:1] == "+" or text[-1:] == "+":
        return "+", text.strip("+").strip()
    return "", text


def read_indicator(text: str) -> int:
    """1 for a credit, -1 for a debit. Raises CellError."""
    sign = _INDICATORS.get(text.strip().upper())
    if sign is None:
        raise CellError("the indicator says neither debit nor credit.")
    return sign


def folded(name: str) -> str:
    """A header as it is compared."""
    return _BLANKS.sub(" ", name.strip().strip("\ufeff\"'")).strip().casefold()
