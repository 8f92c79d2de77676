"""The exchange rate of a day: the organisation's own, else the European Central Bank's."""

from datetime import date
from decimal import Decimal

from models.cash.fx import SERVES, StoredRate, find_rate
from models.db.cash.ecb import ecb_rate
from models.db.tx import Tx
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
    return ecb_rate(base, quote, on)


def required_rate(tx: Tx, base: str, quote: str, on: date) -> Decimal:
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
