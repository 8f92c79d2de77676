"""How receivables moved from one day to another: opening + invoices - applications ± FX = closing."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from models.db.cash.aging_report import functional_currencies
from models.db.cash.ledger_balances import balances
from models.db.tx import Tx

# Told from invoices and applications by the dates of their entries; opening and closing are the ledger's.
_MOVED = """
SELECT legal_entity_id, kind, sum(minor) AS minor, sum(fx) AS fx FROM (
  SELECT e.legal_entity_id, e.kind, i.functional_total_minor AS minor, 0::bigint AS fx
    FROM journal_entries e JOIN invoices i ON i.org_id = e.org_id AND i.id = e.source_id
   WHERE e.org_id = :org AND e.kind IN ('invoice', 'void') AND e.entry_date BETWEEN :since AND :until
  UNION ALL
  SELECT p.legal_entity_id, 'applied', a.functional_cash_minor, a.functional_cash_minor - a.functional_relief_minor
    FROM payment_applications a JOIN payments p ON p.org_id = a.org_id AND p.id = a.payment_id
   WHERE a.org_id = :org AND a.entry_date BETWEEN :since AND :until
  UNION ALL
  SELECT p.legal_entity_id, 'undone', a.functional_cash_minor, a.functional_relief_minor - a.functional_cash_minor
    FROM payment_applications a JOIN payments p ON p.org_id = a.org_id AND p.id = a.payment_id
   WHERE a.org_id = :org AND a.undone_entry_date BETWEEN :since AND :until) m
 GROUP BY legal_entity_id, kind"""


def ar_roll_forward(tx: Tx, since: date, until: date, entities: Collection[str] | None) -> dict[str, Any]:
    """Per legal entity, in its functional currency, by entry date, both days included.

    opening + invoices - applications + fx + difference = closing; the difference must be 0. `invoices_minor` is net of
    voided ones, `applications_minor` (what the money was worth when received) net of undone ones; `fx_minor` is the
    realised gain, negative for a loss, between that and the receivables it relieved.
    """
    opening = balances(tx, since - timedelta(days=1), "accounts_receivable")
    closing = balances(tx, until, "accounts_receivable")
    moved: dict[str, dict[str, int]] = {}
    fx: dict[str, int] = {}
    for r in tx.all(_MOVED, since=since, until=until):
        moved.setdefault(r["legal_entity_id"], {})[r["kind"]] = int(r["minor"])
        fx[r["legal_entity_id"]] = fx.get(r["legal_entity_id"], 0) + int(r["fx"])
    items = []
    for entity, code in functional_currencies(tx, entities).items():
        m = moved.get(entity, {})
        issued, voided, applied, undone = (m.get(kind, 0) for kind in ("invoice", "void", "applied", "undone"))
        first, last, gain = opening.get(entity, 0), closing.get(entity, 0), fx.get(entity, 0)
        items.append(
            {
                "legal_entity_id": entity,
                "currency_code": code,
                "opening_minor": first,
                "invoices_minor": issued - voided,
                "applications_minor": applied - undone,
                "fx_minor": gain,
                "closing_minor": last,
                "difference_minor": last - (first + issued - voided - applied + undone + gain),
                "issued_minor": issued,
                "voided_minor": voided,
                "applied_minor": applied,
                "undone_minor": undone,
            }
        )
    return {"from": since.isoformat(), "to": until.isoformat(), "items": items}
