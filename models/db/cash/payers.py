"""Customers by the names that banks give their payers, and for whom they pay."""

from collections.abc import Collection
from datetime import date

from models.db.tx import Tx, to_json


def customers_named(tx: Tx, keys: Collection[str]) -> dict[str, frozenset[str]]:
    """The ids of the customers of each name key; keys that are nobody's are not in the answer."""
    if not keys:
        return {}
    sql = "SELECT name_key, array_agg(id) FROM customers WHERE org_id = :org AND name_key = ANY(:keys) GROUP BY 1"
    return {key: frozenset(ids) for key, ids in tx.pairs(sql, keys=sorted(keys)).items()}


def customers_of_companies(tx: Tx, keys: Collection[str], forms: Collection[str]) -> dict[str, frozenset[str]]:
    """The ids of the customers whose name key is a company key, alone or with one of the legal forms behind it, by company
    key. Where nobody's name begins with it and goes on (a blank sorts before all that a name key has), no form is tried."""
    if not keys:
        return {}
    found = tx.pairs(
        """SELECT k.company, array_agg(c.id)
             FROM json_array_elements_text(CAST(:keys AS json)) AS k(company)
             CROSS JOIN LATERAL (
               SELECT id FROM customers WHERE org_id = :org AND name_key = k.company
               UNION ALL
               SELECT o.id FROM json_array_elements_text(CAST(:forms AS json)) AS f(form)
                 JOIN customers o ON o.org_id = :org AND o.name_key = k.company || ' ' || f.form
                WHERE EXISTS (SELECT FROM customers p WHERE p.org_id = :org
                                AND p.name_key > k.company || ' ' AND p.name_key < k.company || '!')) c
            GROUP BY 1""",
        keys=to_json(sorted(keys)),
        forms=to_json(sorted(forms)),
    )
    return {company: frozenset(ids) for company, ids in found.items()}


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
