"""The receivables of every customer on a day, tied to the control account.

Aging goes by effective dates (payment date, issue date), the ledger by entry dates (which step over closed periods).
The report names every movement that one counts on the day and the other does not; what then remains is an error.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from models.cash.aging import BUCKETS, Aged, by_currency, summed
from models.db.cash.aging import funds
from models.db.cash.ledger_balances import balances
from models.db.cash.open_items import open_payments, open_sums
from models.db.tx import Tx

SHOWN_DIFFERENCES = 500

# A movement of receivables: when aging counts it, when the ledger does, and how much (functional currency).
_TIMING = """
WITH movements AS (
  SELECT 'invoice' AS kind, i.id AS record_id, i.legal_entity_id, i.issue_date AS effective_date, e.entry_date,
         i.functional_total_minor AS minor
    FROM journal_entries e JOIN invoices i ON i.org_id = e.org_id AND i.id = e.source_id
   WHERE e.org_id = :org AND e.kind = 'invoice'
  UNION ALL
  SELECT 'void', i.id, i.legal_entity_id, i.void_date, e.entry_date, -i.functional_total_minor
    FROM journal_entries e JOIN invoices i ON i.org_id = e.org_id AND i.id = e.source_id
   WHERE e.org_id = :org AND e.kind = 'void'
  UNION ALL
  SELECT 'application', a.id, i.legal_entity_id, a.effective_date, a.entry_date, -a.functional_relief_minor
    FROM payment_applications a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id WHERE a.org_id = :org
  UNION ALL
  SELECT 'undone_application', a.id, i.legal_entity_id,
         greatest(a.effective_date, least(a.undone_date, i.void_date)), a.undone_entry_date, a.functional_relief_minor
    FROM payment_applications a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
   WHERE a.org_id = :org AND a.unapplied_at IS NOT NULL)
SELECT kind, record_id, legal_entity_id, effective_date, entry_date,
       CASE WHEN entry_date <= :day THEN minor ELSE -minor END AS minor
  FROM movements WHERE (effective_date <= :day) <> (entry_date <= :day)
 ORDER BY legal_entity_id, effective_date, record_id"""

_CUSTOMERS = """SELECT c.id, c.name, c.legal_entity_id FROM customers c WHERE c.org_id = :org
  AND (EXISTS (SELECT FROM invoices i WHERE i.org_id = c.org_id AND i.customer_id = c.id AND i.issue_date <= :day)
    OR EXISTS (SELECT FROM payments p WHERE p.org_id = c.org_id AND p.customer_id = c.id AND p.payment_date <= :day))"""


def ar_aging_report(tx: Tx, as_of: date, entities: Collection[str] | None) -> dict[str, Any]:
    """Every customer with an invoice or a payment by `as_of`, per legal entity in its functional currency.

    `control`, per entity: ledger = aging + timing differences + difference, which must be 0.
    """
    currencies = functional_currencies(tx, entities)
    aged: dict[tuple[str, str], Aged] = {}
    own: dict[tuple[str, str], dict[str, Aged]] = {}
    for r in open_sums(tx, as_of, entities=entities):
        key, name, disputed = (r["legal_entity_id"], r["customer_id"]), BUCKETS[r["bucket"]], r["disputed"]
        aged.setdefault(key, Aged()).put(name, int(r["functional_minor"]), disputed=disputed)
        currency = own.setdefault(key, {}).setdefault(r["currency_code"], Aged())
        currency.put(name, int(r["minor"]), disputed=disputed)
    for p in open_payments(tx, as_of, entities=entities):
        if p["customer_id"] is None:
            continue
        key, left = (p["legal_entity_id"], p["customer_id"]), funds(p)
        total = aged.setdefault(key, Aged())
        total.unapplied_minor += left.functional_unapplied_minor
        total.credits_minor += left.functional_credits_minor
        currency = own.setdefault(key, {}).setdefault(p["currency_code"], Aged())
        currency.unapplied_minor += left.unapplied_minor
        currency.credits_minor += left.credits_minor
    customers = {c["id"]: c for c in tx.all(_CUSTOMERS, day=as_of)}
    seen = {customer for _, customer in aged}
    for c in customers.values():
        if c["id"] not in seen and c["legal_entity_id"] in currencies:
            aged[c["legal_entity_id"], c["id"]] = Aged()
    totals = {e: summed(a for (entity, _), a in aged.items() if entity == e) for e in currencies}
    return {
        "as_of": as_of.isoformat(),
        "items": [
            {
                "legal_entity_id": entity,
                "customer_id": customer,
                "customer_name": customers[customer]["name"] if customer in customers else None,
                "currency_code": currencies[entity],
                **a.as_dict(),
                "by_currency": by_currency(own.get((entity, customer), {})),
            }
            for (entity, customer), a in sorted(aged.items())
        ],
        "totals": [
            {"legal_entity_id": e, "currency_code": code, **totals[e].as_dict()} for e, code in currencies.items()
        ],
        "control": _control(tx, as_of, currencies, totals),
    }


def functional_currencies(tx: Tx, entities: Collection[str] | None) -> dict[str, str]:
    """The legal entities that the caller sees, and their functional currencies."""
    rows = tx.all("SELECT id, functional_currency FROM legal_entities WHERE org_id = :org ORDER BY id")
    return {r["id"]: r["functional_currency"] for r in rows if entities is None or r["id"] in entities}


def _control(tx: Tx, day: date, currencies: dict[str, str], totals: dict[str, Aged]) -> list[dict[str, Any]]:
    ledger = balances(tx, day, "accounts_receivable")
    differences: dict[str, list[dict[str, Any]]] = {}
    for r in tx.all(_TIMING, day=day):
        differences.setdefault(r["legal_entity_id"], []).append(
            {
                "kind": r["kind"],
                "record_id": r["record_id"],
                "effective_date": r["effective_date"].isoformat(),
                "entry_date": r["entry_date"].isoformat(),
                "minor": r["minor"],
            }
        )
    control = []
    for entity, code in currencies.items():
        timing = differences.get(entity, [])
        aging, moved = totals[entity].total_minor, sum(t["minor"] for t in timing)
        control.append(
            {
                "legal_entity_id": entity,
                "currency_code": code,
                "account": "accounts_receivable",
                "ledger_minor": ledger.get(entity, 0),
                "aging_minor": aging,
                "timing_minor": moved,
                "timing_count": len(timing),
                "timing_differences": timing[:SHOWN_DIFFERENCES],
                "difference_minor": ledger.get(entity, 0) - aging - moved,
            }
        )
    return control
