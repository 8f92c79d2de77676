"""The European Central Bank's reference rates, as bundled with the CurrencyConverter package (to 2026-10-30).

They serve where an organisation has stored no rate of its own for a pair of currencies. Weekends and holidays fall
back to the last business day, at most seven days before, as stored rates do.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from currency_converter import CurrencyConverter, RateNotFoundError

from models.cash.fx import SERVES, StoredRate, find_rate


@lru_cache(maxsize=1)
def _source() -> CurrencyConverter:
    return CurrencyConverter(decimal=True)


@lru_cache(maxsize=4096)
def ecb_rate(base: str, quote: str, on: date) -> Decimal | None:
    """Units of quote per unit of base on that date, crossed over the euro; None where the ECB has none."""
    legs = [leg for currency in (base, quote) if currency != "EUR" and (leg := _euro(currency, on))]
    return find_rate(legs, base, quote, on)


def _euro(currency: str, on: date) -> StoredRate | None:
    if currency not in _source().currencies:
        return None
    for days in range(SERVES.days + 1):
        day = on - timedelta(days=days)
        try:
            return StoredRate("EUR", currency, day, _source().convert(Decimal(1), "EUR", currency, date=day))
        except (RateNotFoundError, ValueError):
            continue
    return None
