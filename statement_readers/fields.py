"""What every reader shares: exact amounts, dates, clean texts, and the one way to refuse a file.

A refusal names the place, never the value: what stands in the file may be personal, and refusals travel.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from models.errors import Refusal
from models.money import INT64_MAX, decimals

MAX_TEXT = 10_000
MAX_NAME = 500

_AMOUNT = re.compile(r"([+-]?)([0-9]{1,40})(?:\.([0-9]{1,40}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHITE_SPACE = re.compile(r"\s+")
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def unreadable(detail: str, *, line: int | None = None, column: int | None = None) -> Refusal:
    """STATEMENT_UNREADABLE with the place in the text and, for programs, beside it. Both count from 1."""
    extra: dict[str, Any] = {}
    where = []
    if line is not None:
        extra["line"] = line
        where.append(f"line {line}")
    if column is not None:
        extra["column"] = column
        where.append(f"column {column}")
    return Refusal("STATEMENT_UNREADABLE", f"{', '.join(where)}: {detail}" if where else detail, **extra)


def to_minor(
    amount: str | Decimal,
    currency_code: str,
    *,
    line: int | None = None,
    column: int | None = None,
    name: str = "amount",
) -> int:
    """A decimal of major units as signed int64 minor units, exactly. Raises STATEMENT_UNREADABLE.

    Zeros beyond the currency's decimals are harmless ("100.00000" USD, "5.00" JPY); any other digit there is refused.
    """
    places = decimals(currency_code)
    if places is None:
        raise unreadable("the currency is not an ISO 4217 code in use.", line=line, column=column)
    match = _AMOUNT.fullmatch(amount if isinstance(amount, str) else f"{amount:f}")
    if match is None:
        raise unreadable(
            f"the {name} is not a plain decimal number such as 1234.56 or -1234.56.", line=line, column=column
        )
    sign, whole, fraction = match.group(1), match.group(2), (match.group(3) or "").rstrip("0")
    if len(fraction) > places:
        raise unreadable(f"the {name} has more than {places} decimals for {currency_code}.", line=line, column=column)
    minor = int(whole + fraction.ljust(places, "0"))
    if minor > INT64_MAX:
        raise unreadable(f"the {name} is too large.", line=line, column=column)
    return -minor if sign == "-" else minor


def to_date(text: str, *, line: int | None = None, column: int | None = None, name: str = "date") -> date:
    """YYYY-MM-DD. Raises STATEMENT_UNREADABLE."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise unreadable(f"the {name} is not a calendar date written YYYY-MM-DD.", line=line, column=column)


def folded(text: str) -> str:
    """Every run of white space, and what a database cannot hold, as one blank; those at the ends stay."""
    return _WHITE_SPACE.sub(" ", _UNSTORABLE.sub(" ", text))


def clean(text: str | None, limit: int = MAX_NAME) -> str | None:
    """Text as it is kept: white space folded, nothing a database cannot hold, bounded; None when nothing is left."""
    if not text:
        return None
    if not (text.isascii() and text.isprintable()):
        text = _UNSTORABLE.sub(" ", text)
    return " ".join(text.split())[:limit].rstrip() or None
