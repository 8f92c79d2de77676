"""What a customer owes, measured in the currency of its credit limit. Pure: told the rates."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.money import convert

Rate = Callable[[str], Decimal | None]
"""Units of the limit's currency per unit of the currency asked for, today; None where none is known."""


@dataclass(frozen=True)
class OpenAmount:
    """What is open in one currency in the books of entities of one functional currency, in minor units."""

    currency_code: str
    functional_currency: str
    balance_minor: int
    functional_minor: int


class NoRate(Exception):
    """The exposure cannot be told: no rate from this currency to the limit's is known."""


def exposure(open_amounts: Iterable[OpenAmount], currency: str, rate: Rate) -> int:
    """Minor units of `currency`: what is owed in it at its face, else as the books hold it in it, else at the rate.

    Raises NoRate with the currency that no rate leads out of.
    """
    return sum(_worth(one, currency, rate) for one in open_amounts)


def _worth(one: OpenAmount, currency: str, rate: Rate) -> int:
    if one.currency_code == currency:
        return one.balance_minor
    if one.functional_currency == currency:
        return one.functional_minor
    found = rate(one.currency_code)
    if found is None:
        raise NoRate(one.currency_code)
    return convert(one.balance_minor, found, one.currency_code, currency)
