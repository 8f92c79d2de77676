"""Amounts as other systems write them: "1,000,000.00", "1.234,50", "1'234", "EUR 5 000". Only one reading is taken.

A single point or comma before exactly three digits is a decimal sign to one writer and a thousands separator to another:
"10.000" is ten or ten thousand, and nothing in a file says which. Such an amount is refused and left to a person.
"""

import re
from dataclasses import dataclass
from typing import Final

from models import checks
from models.money import decimals

AMBIGUOUS: Final = (
    "A point or comma before three digits can be a decimal sign or a thousands separator, so this is two amounts: "
    "write it without separators, or with two decimals."
)
SHORTENED: Final = "A spreadsheet has shortened this number to powers of ten: format the column as a number."
_DOUBTFUL: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_LONG_COMMA: Final = re.compile(r"[0-9]{4,},[0-9]{3}")
_EXPONENT: Final = re.compile(r"[0-9.,]*[0-9][.,]?[Ee][+-]?[0-9]{1,2}")
_SPACES: Final = " \u00a0\u2007\u2009\u202f"
_GROUPED: Final = (
    re.compile(rf"[0-9]{{1,3}}(?:(?P<by>[{_SPACES}'\u2019])[0-9]{{3}})(?:(?P=by)[0-9]{{3}})*(?:[.,][0-9]{{1,4}})?"),
    re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{1,4}|[0-9]{1,3}(?:,[0-9]{3}){2,}"),
    re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,4}|[0-9]{1,3}(?:\.[0-9]{3}){2,}"),
    re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]{1,4})?"),  # lakhs and crores
)
_WRITTEN: Final = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)")
_COMMA: Final = re.compile(r"[0-9]+,(?:[0-9]{1,2}|[0-9]{4})|0,[0-9]{3}")
_SIGN: Final = re.compile(
    rf"(?P<before>[A-Z]{{3}}|[$€£¥])?[{_SPACES}]*(?P<amount>.*?)[{_SPACES}]*(?P<after>[A-Z]{{3}}|[$€£¥])?"
)
_SIGNS: Final = {"€": "EUR", "£": "GBP"}
_DOLLARS: Final = frozenset({"MXN", "CLP", "COP", "ARS", "UYU", "DOP", "CUP", "BRL"})


@dataclass(frozen=True)
class Amount:
    """`text`: as `checks.decimal` takes it, or as it came where it is none. `sign`: the currency that stood beside it."""

    text: str
    sign: str | None = None

    def contradicts(self, currency: str) -> bool:
        """Whether the currency beside the amount cannot be this one."""
        if self.sign is None:
            return False
        if self.sign == "$":
            return not (currency.endswith("D") or currency in _DOLLARS)
        if self.sign == "¥":
            return currency not in ("JPY", "CNY")
        return _SIGNS.get(self.sign, self.sign) != currency


def plain_amount(text: str, currency: str | None) -> str:
    """The text of an amount in a file that writes decimals as we do. Raises where it has two readings.

    In a currency of three decimals a point before three digits is how everyone, we too, writes its amounts.
    """
    bare = text.strip()
    if _EXPONENT.fullmatch(bare):
        raise checks.invalid("FIELD_TYPE", SHORTENED)
    if _DOUBTFUL.fullmatch(bare.lstrip("+-")) and not ("." in bare and decimals(currency) == 3):
        raise checks.invalid("FIELD_TYPE", AMBIGUOUS)
    return _as_decimal(bare)


def exported_amount(text: str) -> Amount:
    """The amount of another system's export, where there is one reading. Raises where there are two."""
    found = _SIGN.fullmatch(text.strip(_SPACES + "\t"))
    if found is None:
        return Amount(text)
    bare, negative = _unsigned(found["amount"])
    sign = found["before"] or found["after"]
    if _EXPONENT.fullmatch(bare):
        raise checks.invalid("FIELD_TYPE", SHORTENED)
    if _DOUBTFUL.fullmatch(bare) or _LONG_COMMA.fullmatch(bare):
        raise checks.invalid("FIELD_TYPE", AMBIGUOUS)
    return Amount(_as_decimal(("-" if negative else "") + _ungrouped(bare)), sign)


def _as_decimal(bare: str) -> str:
    """ "+5", "5." and ".5" as `checks.decimal` takes them; what is no number stays."""
    found = _WRITTEN.fullmatch(bare)
    if found is None or not (found[2] or found[3]):
        return bare
    return f"{found[1].replace('+', '')}{found[2] or '0'}{found[3] and '.' + found[3]}"


def _unsigned(text: str) -> tuple[str, bool]:
    """ "1000-", "(1000)" and "-1000" are one amount below zero; "+5" is 5."""
    bare = text.replace("\u2212", "-")
    for before, after in (("-", ""), ("", "-"), ("(", ")")):
        if len(bare) > 1 and bare.startswith(before) and bare.endswith(after):
            return bare[len(before) : len(bare) - len(after)].strip(_SPACES), True
    return bare.removeprefix("+"), False


def _ungrouped(bare: str) -> str:
    for pattern in _GROUPED:
        if pattern.fullmatch(bare):
            whole, point, rest = _split(bare)
            return re.sub(r"[^0-9]", "", whole) + (f".{rest}" if point else "")
    return bare.replace(",", ".") if _COMMA.fullmatch(bare) else bare


def _split(grouped: str) -> tuple[str, str, str]:
    """At the decimal sign: the last separator, where it is another one than the first and stands once."""
    separators = re.sub(r"[0-9]", "", grouped)
    if separators[-1] == separators[0]:
        return grouped, "", ""
    return grouped.rpartition(separators[-1])
