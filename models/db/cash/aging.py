"""What a customer owes on a day, in buckets: the aging of the contract, section 3."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from models.cash.aging import BUCKETS, Aged, Funds, bucket, by_currency, split_funds
from models.db import lookups
from models.db.cash import rates
from models.db.cash.open_items import open_invoices, open_payments
from models.db.tx import Row, Tx
from models.money import convert, convert_back


def aging_of(
    tx: Tx, customer_id: str, as_of: date, known_at: datetime | None = None, entities: Collection[str] | None = None
) -> dict[str, Any]:
    """The customer's aging on `as_of`, from what was recorded by `known_at` (None: by now), as the API answers it.

    Amounts in minor units of `currency_code`: the open invoices' currency if they have one, else the functional
    currency of the customer's legal entity, each invoice at its issue date's rate, money at its payment date's.
    `entities` leaves out what the caller's token does not cover. CUSTOMER_NOT_FOUND, FX_RATE_MISSING.
    """
    home = _functional_currency(tx, customer_id)
    invoices = open_invoices(tx, as_of, customer_id=customer_id, known_at=known_at, entities=entities)
    payments = open_payments(tx, as_of, customer_id=customer_id, known_at=known_at, entities=entities)
    currencies = {i["currency_code"] for i in invoices if i["balance_due_minor"]}
    shown = currencies.pop() if len(currencies) == 1 else home
    untranslated: dict[str, Aged] = {}
    total = Aged()
    items = []
    for i in invoices:
        days = (as_of - i["due_date"]).days
        balance, disputed = i["balance_due_minor"], i["disputed"]
        total.add(days, _invoice_in(tx, i, shown), disputed=disputed)
        untranslated.setdefault(i["currency_code"], Aged()).add(days, balance, disputed=disputed)
        items.append(_item(i, days))
    for p in payments:
        left = funds(p)
        own = untranslated.setdefault(p["currency_code"], Aged())
        own.unapplied_minor += left.unapplied_minor
        own.credits_minor += left.credits_minor
        unapplied, credits = _money_in(tx, p, left, shown, invoices)
        total.unapplied_minor += unapplied
        total.credits_minor += credits
    return {
        "customer_id": customer_id,
        "as_of": as_of.isoformat(),
        "known_at": known_at and known_at.isoformat(),
        "currency_code": shown,
        **total.as_dict(),
        "invoices": items,
        "by_currency": by_currency(untranslated),
    }


def funds(p: Row) -> Funds:
    """What a payment of `open_payments` had in credits, and unapplied."""
    return split_funds(p["left_minor"], p["left_worth"], p["credits_minor"], p["credits_worth"])


def _functional_currency(tx: Tx, customer_id: str) -> str:
    sql = """SELECT e.functional_currency FROM customers c JOIN legal_entities e ON e.org_id = c.org_id
      AND e.id = c.legal_entity_id WHERE c.org_id = :org AND c.id = :id"""
    return str(lookups.find(tx, "customer", sql, customer_id)["functional_currency"])


def _invoice_in(tx: Tx, i: Row, currency: str) -> int:
    """The open balance in `currency`. In the functional one it is the ledger's own figure, so reports tie to it."""
    if i["currency_code"] == currency:
        return int(i["balance_due_minor"])
    if i["functional_currency"] == currency:
        return int(i["functional_balance_minor"])
    # Another entity's invoice, which that entity keeps in another functional currency.
    rate = rates.required_rate(tx, i["currency_code"], currency, i["issue_date"])
    return convert(i["balance_due_minor"], rate, i["currency_code"], currency)


def _money_in(tx: Tx, p: Row, left: Funds, currency: str, invoices: Sequence[Row]) -> tuple[int, int]:
    """Unapplied and credits in `currency`; in the functional one, what the receipt is carried at."""
    if p["currency_code"] == currency:
        return left.unapplied_minor, left.credits_minor
    if p["functional_currency"] == currency:
        return left.functional_unapplied_minor, left.functional_credits_minor
    rate = rates.rate(tx, p["currency_code"], currency, p["payment_date"])
    if rate is not None:
        return tuple(convert(m, rate, p["currency_code"], currency) for m in (left.unapplied_minor, left.credits_minor))  # type: ignore[return-value]
    # No rate serves that day, and a payment in the functional currency needs none: take the one that the newest
    # of the open invoices, which all are in `currency`, was issued at.
    at = [
        i for i in invoices if i["functional_currency"] == p["functional_currency"] and i["currency_code"] == currency
    ]
    if not at:
        rates.required_rate(tx, p["currency_code"], currency, p["payment_date"])
    newest = max(at, key=lambda i: (i["issue_date"], i["id"]))
    worths = (left.functional_unapplied_minor, left.functional_credits_minor)
    return tuple(convert_back(w, newest["fx_rate"], currency, p["functional_currency"]) for w in worths)  # type: ignore[return-value]


def _item(i: Row, days: int) -> dict[str, Any]:
    name = bucket(days)
    return {
        "id": i["id"],
        "external_id": i["external_id"],
        "legal_entity_id": i["legal_entity_id"],
        "issue_date": i["issue_date"].isoformat(),
        "due_date": i["due_date"].isoformat(),
        "days_past_due": max(days, 0),
        "bucket": "current" if name in BUCKETS[:2] else name.removesuffix("_minor"),
        "currency_code": i["currency_code"],
        "total_minor": i["total_minor"],
        "balance_due_minor": i["balance_due_minor"],
        "functional_currency": i["functional_currency"],
        "functional_balance_minor": i["functional_balance_minor"],
        "disputed": i["disputed"],
    }
