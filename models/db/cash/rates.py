"""The exchange rate of a day: the organisation's own, else the European Central Bank's."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from models.answers import read_row
from models.cash.fx import SERVES, StoredRate, find_rate
from models.cash.records import ExchangeRate
from models.db.cash.ecb import bundled_until, ecb_rate, fetched_rates, fetched_until
from models.db.listing import Listing
from models.db.tables.ledger import fx_rates
from models.db.tx import Tx, to_json
from models.errors import Refusal


def rate(tx: Tx, base: str, quote: str, on: date) -> Decimal | None:
    """Units of quote per unit of base on that date: the organisation's own rates, else the bundled ECB's, else None.

    A pair for which the organisation keeps rates is never served by the ECB's: two sources are not mixed silently.
    """
    if base == quote:
        return Decimal(1)
    rows = tx.all(
        """SELECT base, quote, rate_date, rate FROM fx_rates WHERE org_id = :org AND (rate_date BETWEEN :since AND :on
             OR (base = :base AND quote = :quote) OR (base = :quote AND quote = :base))
           ORDER BY rate_date DESC LIMIT 2000""",
        since=on - SERVES,
        on=on,
        base=base,
        quote=quote,
    )
    found = find_rate([StoredRate(r["base"], r["quote"], r["rate_date"], r["rate"]) for r in rows], base, quote, on)
    if found is not None or any({r["base"], r["quote"]} == {base, quote} for r in rows):
        return found
    return ecb_rate(base, quote, on, fetched_rates(tx, (base, quote), on))


def pairs_in_use(tx: Tx, since: datetime) -> list[tuple[str, str]]:
    """Currencies of invoices and receipts recorded since, with the functional one that each was translated to."""
    rows = tx.all(
        """SELECT DISTINCT currency_code AS base, functional_currency AS quote FROM (
             SELECT currency_code, functional_currency FROM invoices WHERE org_id = :org AND created_at > :since
             UNION SELECT currency_code, functional_currency FROM payments WHERE org_id = :org AND created_at > :since) used
           WHERE currency_code <> functional_currency ORDER BY 1, 2""",
        since=since,
    )
    return [(row["base"], row["quote"]) for row in rows]


def newest_day(tx: Tx, base: str, quote: str) -> date | None:
    """The day of the youngest rate that would serve the pair: the organisation's own where it keeps any, else the ECB's."""
    own: date | None = tx.scalar(
        """SELECT max(rate_date) FROM fx_rates WHERE org_id = :org
            AND ((base = :base AND quote = :quote) OR (base = :quote AND quote = :base))""",
        base=base,
        quote=quote,
    )
    if own is not None:
        return own
    days = [
        max(filter(None, (bundled_until(c), fetched_until(tx, c))), default=None) for c in (base, quote) if c != "EUR"
    ]
    return None if None in days else min(filter(None, days), default=None)


def required_rate(tx: Tx, base: str, quote: str, on: date) -> Decimal:
    """As `rate`; 422 FX_RATE_MISSING where there is none."""
    found = rate(tx, base, quote, on)
    if found is None:
        raise Refusal(
            "FX_RATE_MISSING",
            f"No rate from {base} to {quote} serves {on}: store one with POST /v1/fx-rates.",
            base=base,
            quote=quote,
            date=str(on),
        )
    return found


_LIST: Final = Listing(
    fx_rates,
    key=(fx_rates.c.rate_date, fx_rates.c.base, fx_rates.c.quote),
    newest_first=True,
    within=None,
    equal=(fx_rates.c.base, fx_rates.c.quote),
)


def list_rates(
    tx: Tx, base: str | None, quote: str | None, after: tuple[date, str, str] | None, limit: int
) -> Sequence[ExchangeRate]:
    """The organisation's own, the newest first."""
    return [read_row(ExchangeRate, row) for row in _LIST.page(tx, None, after, limit, base=base, quote=quote)]


def store_rates(tx: Tx, new: Sequence[ExchangeRate]) -> list[ExchangeRate]:
    """Keep rates in the place of those of the same pair and day, which are answered."""
    before = tx.records(
        ExchangeRate,
        """SELECT f.* FROM fx_rates f JOIN json_to_recordset(CAST(:rows AS json)) AS n(base text, quote text, rate_date date)
             ON n.base = f.base AND n.quote = f.quote AND n.rate_date = f.rate_date WHERE f.org_id = :org""",
        rows=to_json(new),
    )
    tx.insert(
        "fx_rates", new,
        suffix="ON CONFLICT (org_id, base, quote, rate_date) DO UPDATE SET rate = excluded.rate, source = excluded.source, "
        "recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
    )  # fmt: skip
    return before
