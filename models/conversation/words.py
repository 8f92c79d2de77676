"""Dates, amounts and payment terms as people say them, in the US and in the UK. What can be read in two ways is asked back.

Told the day; no clock, no locale of the machine.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from models.money import INT64_MAX, exponent, is_currency

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What the words mean, or what to ask."""

    value: T | None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """In minor units of its currency."""

    minor: int
    currency_code: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Due so many days after the issue; with a discount for whoever pays within `discount_days`."""

    days: int
    discount_percent: Decimal | None = None
    discount_days: int | None = None

    @property
    def code(self) -> str:
        """As an organisation calls such terms unless it has names of its own."""
        return f"NET{self.days}"


_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
                  "december")  # fmt: skip
_UNITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
                 "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL: Final[Mapping[str, int]] = MappingProxyType(
    {word: n for n, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS) if word}
)
_SCALES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "thousand": 1000,
        "k": 1000,
        "grand": 1000,
        "million": 10**6,
        "m": 10**6,
        "mn": 10**6,
        "billion": 10**9,
        "bn": 10**9,
    }
)
_CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"$": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "£": "GBP", "pound": "GBP", "pounds": "GBP",
     "quid": "GBP", "sterling": "GBP", "€": "EUR", "euro": "EUR", "euros": "EUR", "yen": "JPY"}
)  # fmt: skip
_FILLERS: Final = frozenset({"a", "an", "and", "of", "about", "the", "exactly", "us", "uk", "british", "american"})
_ORDINAL: Final = re.compile(r"\b([0-9]{1,2})(?:st|nd|rd|th)\b")


def date_of(words: str, today: date) -> Heard[date]:
    """A day: `2026-04-03`, `3 April`, `April 3rd`, `today`, `25/4`. `3/4` is the 4th of March in the US and the 3rd of April in
    the UK: asked. Without a year the one that brings the day nearest to today."""
    said = _ORDINAL.sub(r"\1", " ".join(words.casefold().replace(",", " ").split()))
    near = {"today": 0, "yesterday": -1, "tomorrow": 1}
    if said in near:
        return Heard(today + timedelta(days=near[said]))
    if found := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", said):
        return _only(words, {_day(int(found[1]), int(found[2]), int(found[3]))})
    if found := re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})(?:[/.-]([0-9]{2}|[0-9]{4}))?", said):
        one, two, year = int(found[1]), int(found[2]), found[3]
        return _only(words, {_of(year, two, one, today), _of(year, one, two, today)})
    parts = [p for p in said.split() if p not in ("of", "the")]
    named = [n for p in parts if (n := _month(p))]
    numbers = [int(p) for p in parts if p.isdecimal()]
    if len(named) == 1 and 1 <= len(numbers) <= 2 and len(parts) == len(numbers) + 1:
        given = str(numbers[1]) if len(numbers) == 2 else None
        return _only(words, {_of(given, named[0], numbers[0], today)})
    return Heard(None, f"Which day is “{words}”? Say it as 2026-04-03.")


def _only(words: str, read: set[date | None]) -> Heard[date]:
    days = sorted(d for d in read if d is not None)
    if len(days) == 1:
        return Heard(days[0])
    if not days:
        return Heard(None, f"“{words}” is no day. Which one is meant?")
    either = " or ".join(f"{d.day} {_MONTHS[d.month - 1].capitalize()} {d.year}" for d in days)
    return Heard(None, f"“{words}” is read in two ways: {either}?")


def _of(year: str | None, month: int, day: int, today: date) -> date | None:
    if year is not None:
        return _day(int(year) + (2000 if len(year) == 2 else 0), month, day)
    found = [d for y in (today.year - 1, today.year, today.year + 1) if (d := _day(y, month, day))]
    return min(found, key=lambda d: abs((d - today).days), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(word: str) -> int | None:
    found = [n for n, name in enumerate(_MONTHS, 1) if len(word) >= 3 and name.startswith(word.rstrip("."))]
    return found[0] if len(found) == 1 else None


def amount_of(words: str, default_currency: str | None = None) -> Heard[Amount]:
    """An amount: `$1,234.50`, `a hundred thousand dollars`, `£1.2k`, `EUR 5`, `twenty-five pounds`. `1.234` and an amount without
    a currency (and none that goes without saying) are asked."""
    said = re.findall(r"[0-9][0-9.,']*|[$£€]|[a-z]+", words.casefold())
    parts = [p for p in said if p not in _FILLERS or p == "a"]
    named = list(dict.fromkeys(c for p in parts if (c := _currency(p))))
    rest = [p for p in parts if _currency(p) is None]
    if len(named) > 1:
        return Heard(None, f"“{words}” names {' and '.join(named)}. Which currency is it?")
    currency = named[0] if named else default_currency
    number = _number(rest)
    if isinstance(number, str):
        return Heard(None, number.format(words))
    if currency is None:
        return Heard(None, f"In which currency is “{words}”?")
    minor = number * 10 ** exponent(currency)
    if minor != int(minor) or not 0 < minor <= INT64_MAX:
        return Heard(None, f"“{words}” is no amount of {currency}. How much is it?")
    return Heard(Amount(int(minor), currency))


def _currency(part: str) -> str | None:
    if part in _CURRENCIES:
        return _CURRENCIES[part]
    code = part.upper()
    return code if len(part) == 3 and part not in _SMALL and is_currency(code) else None


def _number(parts: Iterable[str]) -> Decimal | str:
    """The number, or the question."""
    total, current, seen = Decimal(0), Decimal(0), False
    digits = False
    for part in parts:
        if part == "a":
            current, seen = current or Decimal(1), True
        elif part[0].isdigit():
            read = _digits(part)
            if read is None or seen:
                return "“{}” can be read in several ways. How much is it, as in 1,234.50?"
            current, seen, digits = read, True, True
        elif part in _SMALL:
            if digits or (current % 10 and _SMALL[part] < 10) or (current % 100 and _SMALL[part] >= 10):
                return "“{}” can be read in several ways. How much is it, as in 1,234.50?"
            current, seen = current + _SMALL[part], True
        elif part == "hundred":
            current, seen = (current or Decimal(1)) * 100, True
        elif part in _SCALES:
            total, current, seen = total + (current or Decimal(1)) * _SCALES[part], Decimal(0), True
        else:
            return "“{}” is not understood. How much is it, as in 1,234.50?"
    return total + current if seen else "How much is “{}”?"


def _digits(part: str) -> Decimal | None:
    """`1,234.50`, `1234`, `12.5`, `1.234,50`; None for what is thousands to one reader and decimals to another: `1.234`."""
    plain = part.rstrip(".,'")
    if re.fullmatch(r"[0-9]{1,3}(?:[,'][0-9]{3})+(?:\.[0-9]+)?", plain):
        return Decimal(plain.replace(",", "").replace("'", ""))
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+", plain):
        return Decimal(plain.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[0-9]+", plain):
        return Decimal(plain)
    if re.fullmatch(r"[0-9]+\.[0-9]+", plain) and len(plain.partition(".")[2]) != 3:
        return Decimal(plain)
    return None


def terms_of(words: str) -> Heard[Terms]:
    """Payment terms: `net 45`, `45 days`, `n/30`, `net forty-five`, `2/10 net 30`, `due on receipt`."""
    said = re.sub(r"\bnet(?=[0-9])", "net ", " ".join(words.casefold().replace("-", " ").split()))
    if said in ("due on receipt", "on receipt", "cash on delivery", "immediately"):
        return Heard(Terms(0))
    if found := re.fullmatch(
        r"([0-9]+(?:\.[0-9]+)?)\s*%?\s*/\s*([0-9]+)[ ,]*(?:net|n\s*/?)\s*([0-9]+)(?: days)?", said
    ):
        percent, within, days = Decimal(found[1]), int(found[2]), int(found[3])
        if 0 < percent < 100 and within <= days <= 3650:
            return Heard(Terms(days, percent, within))
    bare = re.sub(r"\b(net|days?|n/|terms|payment|due|in|within)\b|n\s*/", " ", said).split()
    number = _number(_tokens(bare)) if bare else ""
    if isinstance(number, Decimal) and number == int(number) and 0 <= number <= 3650 and said != " ".join(bare):
        return Heard(Terms(int(number)))
    return Heard(None, f"After how many days is “{words}” due?")


def _tokens(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in _FILLERS]
