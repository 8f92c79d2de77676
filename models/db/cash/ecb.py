"""The European Central Bank's reference rates: as bundled with the CurrencyConverter package (to 2026-10-30), and as fetched.

They serve where an organisation has stored no rate of its own for a pair of currencies. Weekends and holidays fall
back to the last business day, at most seven days before, as stored rates do.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from currency_converter import CurrencyConverter, RateNotFoundError
from sqlalchemy import Engine

from models.cash.fx import SERVES, StoredRate, find_rate
from models.db.engine import ask
from models.db.tx import Tx, to_json


@lru_cache(maxsize=1)
def _source() -> CurrencyConverter:
    return CurrencyConverter(decimal=True)


def ecb_rate(base: str, quote: str, on: date, fetched: Sequence[StoredRate] = ()) -> Decimal | None:
    """Units of quote per unit of base on that date, crossed over the euro; None where the ECB has none. `fetched`: those of
    these days that came later than the bundle."""
    legs = [leg for currency in (base, quote) if currency != "EUR" and (leg := _euro(currency, on))]
    return find_rate([*legs, *fetched], base, quote, on)


def bundled_until(currency: str) -> date | None:
    """The day of the last bundled rate of a currency."""
    bounds = _source().bounds.get(currency)
    return None if bounds is None else bounds.last_date


def fetched_rates(tx: Tx, currencies: Collection[str], on: date) -> list[StoredRate]:
    """Rates that were fetched or loaded, of the days that serve this one."""
    return tx.records(
        StoredRate,
        """SELECT 'EUR' AS base, currency AS quote, rate_date, rate FROM ecb_rates
            WHERE currency = ANY(:currencies) AND rate_date BETWEEN :since AND :on""",
        currencies=list(currencies),
        since=on - SERVES,
        on=on,
    )


def fetched_until(tx: Tx, currency: str) -> date | None:
    """The day of the last rate of a currency that was fetched or loaded."""
    found: date | None = tx.scalar("SELECT max(rate_date) FROM ecb_rates WHERE currency = :currency", currency=currency)
    return found


def keep(engine: Engine, found: Sequence[StoredRate]) -> int:
    """Keep the bank's rates that are not there yet; how many. It never changes one that it has published."""
    rows = [{"currency": r.quote, "rate_date": r.rate_date, "rate": r.rate} for r in found]
    sql = """WITH new AS (INSERT INTO ecb_rates (currency, rate_date, rate) SELECT currency, rate_date, rate
               FROM json_populate_recordset(NULL::ecb_rates, CAST(:rows AS json)) ON CONFLICT DO NOTHING RETURNING 1)
             SELECT count(*) AS n FROM new"""
    return int(ask(engine, sql, rows=to_json(rows))[0]["n"])


@lru_cache(maxsize=4096)
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
