"""Money received and not yet applied, on a day, tied to the accounts that carry it."""

from collections.abc import Collection
from datetime import date
from typing import Any

from models.db.cash.aging import funds
from models.db.cash.aging_report import SHOWN_DIFFERENCES, functional_currencies
from models.db.cash.ledger_balances import balances
from models.db.cash.open_items import open_payments
from models.db.tx import Tx

# What the entries made for each payment by the day leave in the two accounts, told from the records and their entry
# dates, not from the entries' lines: it must come to what the ledger says. A reversal undoes at its own date whatever
# the payment's other entries do at theirs, also those dated later.
_POSTED = """
WITH moves AS (
  SELECT f.source_id AS payment_id, f.entry_date, p.functional_amount_minor AS unapplied, 0::bigint AS credits
    FROM (SELECT DISTINCT ON (e.source_id) e.source_id, e.entry_date FROM journal_entries e
           WHERE e.org_id = :org AND e.kind IN ('receipt', 'application') ORDER BY e.source_id, e.id) f
    JOIN payments p ON p.org_id = :org AND p.id = f.source_id
  UNION ALL
  SELECT a.payment_id, a.entry_date, CASE WHEN a.credit_id IS NULL THEN -a.functional_cash_minor ELSE 0 END,
         CASE WHEN a.credit_id IS NULL THEN 0 ELSE -a.functional_cash_minor END
    FROM payment_applications a WHERE a.org_id = :org
  UNION ALL
  SELECT a.payment_id, a.undone_entry_date, a.functional_cash_minor, 0
    FROM payment_applications a WHERE a.org_id = :org AND a.unapplied_at IS NOT NULL
  UNION ALL
  SELECT s.payment_id, e.entry_date, -l.functional_credit_minor, l.functional_credit_minor
    FROM customer_credits c
    JOIN application_sessions s ON s.org_id = c.org_id AND s.payment_id = c.payment_id AND s.credit_id = c.id
    JOIN journal_entries e ON e.org_id = s.org_id AND e.id = s.journal_entry_id
    JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id AND l.account = 'customer_credits'
   WHERE c.org_id = :org AND c.kind = 'customer_credit'),
posted AS (
  SELECT m.payment_id, r.entry_date <= :day AS reversed,
         coalesce(sum(m.unapplied) FILTER (WHERE m.entry_date <= :day), 0) AS unapplied, sum(m.unapplied) AS all_unapplied,
         coalesce(sum(m.credits) FILTER (WHERE m.entry_date <= :day), 0) AS credits, sum(m.credits) AS all_credits
    FROM moves m LEFT JOIN journal_entries r ON r.org_id = :org AND r.source_id = m.payment_id AND r.kind = 'reversal'
   GROUP BY m.payment_id, r.entry_date)
SELECT * FROM (
  SELECT p.id, p.external_id, p.legal_entity_id,
         m.unapplied - CASE WHEN m.reversed THEN m.all_unapplied ELSE 0 END AS unapplied,
         m.credits - CASE WHEN m.reversed THEN m.all_credits ELSE 0 END AS credits
    FROM posted m JOIN payments p ON p.org_id = :org AND p.id = m.payment_id
   WHERE p.legal_entity_id = ANY(:entities)) x WHERE unapplied <> 0 OR credits <> 0"""


def unapplied_cash_report(tx: Tx, as_of: date, entities: Collection[str] | None) -> dict[str, Any]:
    """Each payment with money left, unapplied or in customer credits.

    `control`, per entity and account: ledger = report + timing differences + difference, which must be 0. A receipt
    that no entry carries yet is a timing difference of kind `not_posted`.
    """
    currencies = functional_currencies(tx, entities)
    payments = open_payments(tx, as_of, entities=entities)
    sql = "SELECT id, name FROM customers WHERE org_id = :org AND id = ANY(:ids)"
    ids = sorted({p["customer_id"] for p in payments if p["customer_id"] is not None})
    names = {c["id"]: c["name"] for c in tx.all(sql, ids=ids)}
    items = []
    for p in payments:
        left = funds(p)
        items.append(
            {
                "payment_id": p["id"],
                "external_id": p["external_id"],
                "customer_id": p["customer_id"],
                "customer_name": names.get(p["customer_id"]),
                "legal_entity_id": p["legal_entity_id"],
                "payment_date": p["payment_date"].isoformat(),
                "age_days": (as_of - p["payment_date"]).days,
                "currency_code": p["currency_code"],
                "amount_minor": p["amount_minor"],
                "unapplied_minor": left.unapplied_minor,
                "credits_minor": left.credits_minor,
                "functional_currency": p["functional_currency"],
                "functional_unapplied_minor": left.functional_unapplied_minor,
                "functional_credits_minor": left.functional_credits_minor,
            }
        )
    totals = [
        {
            "legal_entity_id": entity,
            "currency_code": code,
            **{
                name: sum(i[f"functional_{name}"] for i in items if i["legal_entity_id"] == entity)
                for name in ("unapplied_minor", "credits_minor")
            },
        }
        for entity, code in currencies.items()
    ]
    return {"as_of": as_of.isoformat(), "items": items, "totals": totals, "control": _control(tx, as_of, items, totals)}


def _control(tx: Tx, day: date, items: list[dict[str, Any]], totals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    entities = [t["legal_entity_id"] for t in totals]
    rows = tx.all(_POSTED, day=day, entities=entities)
    posted, reported = {r["id"]: r for r in rows}, {i["payment_id"]: i for i in items}
    control = []
    for account, column in (("unapplied_cash", "unapplied"), ("customer_credits", "credits")):
        ledger = balances(tx, day, account)
        timing: dict[str, list[dict[str, Any]]] = {}
        for payment_id in sorted(posted.keys() | reported.keys()):
            p, i = posted.get(payment_id), reported.get(payment_id)
            minor = (int(p[column]) if p else 0) - (i[f"functional_{column}_minor"] if i else 0)
            if minor:
                entity = p["legal_entity_id"] if p else reported[payment_id]["legal_entity_id"]
                kind = "entry_date" if p else "not_posted"
                timing.setdefault(entity, []).append({"kind": kind, "payment_id": payment_id, "minor": minor})
        for t in totals:
            entity = t["legal_entity_id"]
            differences = timing.get(entity, [])
            moved, shown = sum(d["minor"] for d in differences), t[f"{column}_minor"]
            control.append(
                {
                    "legal_entity_id": entity,
                    "currency_code": t["currency_code"],
                    "account": account,
                    "ledger_minor": -ledger.get(entity, 0),
                    "report_minor": shown,
                    "timing_minor": moved,
                    "timing_count": len(differences),
                    "timing_differences": differences[:SHOWN_DIFFERENCES],
                    "difference_minor": -ledger.get(entity, 0) - shown - moved,
                }
            )
    return control
