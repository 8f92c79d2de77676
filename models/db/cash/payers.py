"""Customers by the names that banks give their payers."""

from collections.abc import Sequence

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
