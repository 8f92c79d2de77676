"""Customers by the names that banks give their payers, and for whom they pay."""

from collections.abc import Collection, Sequence
from datetime import date

from models.db.tx import Tx


def customers_named(tx: Tx, keys: Sequence[str]) -> dict[str, frozenset[str]]:
    """The ids of the customers of each name key; keys that are nobody's are not in the answer."""
    if not keys:
        return {}
    rows = tx.all(
        "SELECT name_key, array_agg(id) AS ids FROM customers WHERE org_id = :org AND name_key = ANY(:keys) GROUP BY 1",
        keys=list(keys),
    )
    return {r["name_key"]: frozenset(r["ids"]) for r in rows}


def paid_on(tx: Tx, payers: Collection[tuple[str, date]]) -> dict[tuple[str, date], frozenset[str]]:
    """For whom each of these customers pays on its day, ends included; those who pay for nobody are not in the answer."""
    if not payers:
        return {}
    rows = tx.all(
        """SELECT n.payer, n.day, array_agg(DISTINCT p.paid_customer_id) AS paid
             FROM unnest(CAST(:payers AS text[]), CAST(:days AS date[])) AS n(payer, day)
             JOIN customer_pays_for p ON p.org_id = :org AND p.customer_id = n.payer
              AND coalesce(p.valid_from, n.day) <= n.day AND coalesce(p.valid_until, n.day) >= n.day
            GROUP BY 1, 2""",
        payers=[payer for payer, _ in payers],
        days=[day.isoformat() for _, day in payers],
    )
    return {(r["payer"], r["day"]): frozenset(r["paid"]) for r in rows}
