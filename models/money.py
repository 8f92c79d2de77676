"""Money: int64 minor units of an ISO 4217 currency, and Decimal rates. No float anywhere.

A rate is always "units of the quoted currency per one unit of the base", in major units; conversions round
half-even (banker's rounding) to the target's minor unit.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from iso4217 import Currency

INT64_MAX = 2**63 - 1
RATE_DIGITS = 10
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_RATE = Context(prec=RATE_DIGITS, rounding=ROUND_HALF_EVEN)


@lru_cache(maxsize=512)
def exponent(currency_code: str) -> int:
    """Digits after the point of the currency's minor unit: USD 2, JPY 0, KWD 3. ValueError for what is no currency."""
    try:
        digits = Currency(currency_code).exponent
    except ValueError:
        raise ValueError(f"{currency_code!r} is not an ISO 4217 currency code") from None
    if digits is None:
        raise ValueError(f"{currency_code!r} has no minor unit")
    return int(digits)


def decimals(currency_code: str | None) -> int | None:
    """As `exponent`; None for what is no currency."""
    try:
        return None if currency_code is None else exponent(currency_code)
    except ValueError:
        return None


def is_currency(currency_code: str) -> bool:
    return decimals(currency_code) is not None


def in_units(minor: int, currency_code: str) -> Decimal:
    """Minor units as an amount in units, with all of the currency's decimals."""
    return Decimal(minor).scaleb(-exponent(currency_code))


def in_minor(amount: Decimal, currency_code: str) -> int:
    """An amount in units as minor units, half-even where it is finer."""
    return round_half_even(amount.scaleb(exponent(currency_code)))


def round_half_even(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), context=_WIDE))


def convert(minor: int, rate: Decimal, source: str, target: str) -> int:
    """`minor` of `source` in minor units of `target`, at `rate` target per source."""
    scaled = _WIDE.multiply(_WIDE.multiply(Decimal(minor), rate), Decimal(10) ** (exponent(target) - exponent(source)))
    return round_half_even(scaled)


def convert_back(minor: int, rate: Decimal, source: str, target: str) -> int:
    """`minor` of `target` in minor units of `source`, at `rate` target per source (the inverse of `convert`)."""
    scaled = _WIDE.divide(_WIDE.multiply(Decimal(minor), Decimal(10) ** (exponent(source) - exponent(target))), rate)
    return round_half_even(scaled)


def share(total: int, part: int, whole: int) -> int:
    """`total` by part / whole, half-even; exactly `total` when part is the whole, so that nothing is left behind."""
    if part == whole:
        return total
    return round_half_even(_WIDE.divide(_WIDE.multiply(Decimal(total), Decimal(part)), Decimal(whole)))


def implied_rate(source_minor: int, target_minor: int, source: str, target: str) -> Decimal:
    """The rate (target per source) that two stated amounts imply, to ten significant digits."""
    shift = Decimal(10) ** (exponent(source) - exponent(target))
    return plain(_RATE.divide(_WIDE.multiply(Decimal(target_minor), shift), Decimal(source_minor)))


def inverse(rate: Decimal) -> Decimal:
    return plain(_RATE.divide(Decimal(1), rate))


def cross(a: Decimal, b: Decimal) -> Decimal:
    """a (X per Y) times b (Y per Z) is X per Z, to ten significant digits."""
    return plain(_RATE.multiply(a, b))


def plain(value: Decimal) -> Decimal:
    """The same number without exponent or trailing zeros ("1.25", never "1.250" or "1E+1")."""
    return Decimal(plain_text(value))


def plain_text(value: Decimal) -> str:
    """The canonical text of a decimal, for programs: no exponent, no trailing zeros ("100000", "0.5")."""
    return format(value.normalize(), "f") if value else "0"


def amount_text(value: str | Decimal, currency_code: str | None) -> str:
    """An amount in units as people write it: "100000", and where there are decimals all of the currency's, "100000.50".

    None: the currency is not known here; two decimals. What is finer than the minor unit (a price) stays.
    """
    whole, point, decimals = plain_text(Decimal(value)).partition(".")
    places = 2 if currency_code is None else exponent(currency_code)
    return whole + point + (decimals.ljust(places, "0") if point else "")


def major(minor: int, currency_code: str) -> str:
    """For people: "1,234.56"."""
    return f"{in_units(minor, currency_code):,f}"


def spelt(minor: int, currency_code: str) -> str:
    """For people, as every message says it: "1,234.56 USD"."""
    return f"{major(minor, currency_code)} {currency_code}"
