"""Rates of a central bank: kept as they come, and somebody told where those in use are old."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from models.cash.rate_files import RatesUnreadable, business_days_since, read_rates
from models.db.cash import ecb, rates
from models.db.exceptions import resolve_about
from models.db.tx import Tx
from operations.organisations import bootstrap_work

PATIENCE: Final = 3
"""Business days: a bank holiday and the evening before its file comes are not worth an exception."""
USED_WITHIN: Final = timedelta(days=90)
KIND: Final = "exchange_rates"
OLD: Final = "RATES_OLD"


def keep_rates(engine: Engine, content: bytes) -> int:
    """Keep what a file of the European Central Bank says and is not known yet; how many rates. Raises RatesUnreadable."""
    found = read_rates(content)
    ahead = datetime.now(UTC).date() + timedelta(days=1)
    for r in found:
        if r.base != "EUR" or r.rate_date > ahead:
            raise RatesUnreadable(
                f"{r.base}/{r.quote} of {r.rate_date} is no reference rate of the European Central Bank"
            )
    return ecb.keep(engine, found)


def watch_rates(tx: Tx) -> bool:
    """Put it on the controller's desk where a pair that the organisation uses has no young rate; whether it has. What is
    young again closes it."""
    old = {f"{base}/{quote}": day for base, quote in rates.pairs_in_use(tx, tx.now - USED_WITHIN)
           if _is_old(day := rates.newest_day(tx, base, quote), tx.now.date())}  # fmt: skip
    if not old:
        resolve_about(tx, KIND, tx.org_id, "arflow", "RATES_CURRENT")
        return False
    work = bootstrap_work(tx, "arflow")
    days = {pair: None if day is None else day.isoformat() for pair, day in old.items()}
    work.open_exception(KIND, OLD, tx.org_id, owner_role="controller", detail={"newest": days})
    work.flush()
    return True


def _is_old(newest: date | None, today: date) -> bool:
    return newest is None or business_days_since(newest, today) > PATIENCE
