"""How receivables moved from one day to another.

Opening + invoices - applications - adjustments - credit notes ± FX = closing.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

from models.cash.ledger import Account
from models.cash.report_answers import ArRollForwardAnswer, MovedReceivablesAnswer
from models.db.cash.ledger_balances import balances, functional_currencies
from models.db.reliefs import RELIEFS
from models.db.tx import Tx

# Told from invoices and what relieves them by the dates of their entries; opening and closing are the ledger's.
_MOVED = f"""
SELECT legal_entity_id, kind, sum(minor) AS minor, sum(fx) AS fx FROM (
  SELECT e.legal_entity_id, e.kind, i.functional_total_minor AS minor, 0::bigint AS fx
    FROM journal_entries e JOIN invoices i ON i.org_id = e.org_id AND i.id = e.source_id
   WHERE e.org_id = :org AND e.kind IN ('invoice', 'void') AND e.entry_date BETWEEN :since AND :until
  UNION ALL
  SELECT e.legal_entity_id, e.kind, n.functional_total_minor, 0
    FROM journal_entries e JOIN credit_notes n ON n.org_id = e.org_id AND n.id = e.source_id
   WHERE e.org_id = :org AND e.kind IN ('credit_note', 'credit_note_void') AND e.entry_date BETWEEN :since AND :until
  UNION ALL
  SELECT i.legal_entity_id, a.kind, a.given, a.given - a.worth
    FROM {RELIEFS} a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
   WHERE a.org_id = :org AND a.entry_date BETWEEN :since AND :until
  UNION ALL
  SELECT i.legal_entity_id, 'undone_' || a.kind, a.given, a.worth - a.given
    FROM {RELIEFS} a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
   WHERE a.org_id = :org AND a.undone_entry_date BETWEEN :since AND :until) m
 GROUP BY legal_entity_id, kind"""


@dataclass
class _Moved:
    """What moved in one legal entity, by kind; and the realised gain."""

    kinds: Counter[str] = field(default_factory=Counter)
    fx_minor: int = 0


def ar_roll_forward(tx: Tx, since: date, until: date, entities: Collection[str] | None) -> ArRollForwardAnswer:
    """Per legal entity, in its functional currency, by entry date, both days included."""
    opening = balances(tx, since - timedelta(days=1), Account.ACCOUNTS_RECEIVABLE)
    closing = balances(tx, until, Account.ACCOUNTS_RECEIVABLE)
    moved: dict[str, _Moved] = {}
    for r in tx.all(_MOVED, since=since, until=until):
        own = moved.setdefault(r["legal_entity_id"], _Moved())
        own.kinds[r["kind"]] = int(r["minor"])
        own.fx_minor += int(r["fx"])
    items = [
        _item(entity, code, opening.get(entity, 0), closing.get(entity, 0), moved.get(entity, _Moved()))
        for entity, code in functional_currencies(tx, entities).items()
    ]
    return ArRollForwardAnswer(from_=since, to=until, items=items)


def _item(entity: str, currency: str, first: int, last: int, moved: _Moved) -> MovedReceivablesAnswer:
    issued, voided, applied, unapplied = (
        moved.kinds[k] for k in ("invoice", "void", "application", "undone_application")
    )
    adjusted = sum(moved.kinds[k] - moved.kinds[f"undone_{k}"] for k in ("adjustment", "write_off"))
    # When a note settles an invoice, receivables move by what exchange has won or lost, and by no more.
    noted = moved.kinds["credit_note"] - moved.kinds["credit_note_void"]
    return MovedReceivablesAnswer(
        legal_entity_id=entity,
        currency_code=currency,
        opening_minor=first,
        invoices_minor=issued - voided,
        applications_minor=applied - unapplied,
        adjustments_minor=adjusted,
        credit_notes_minor=noted,
        fx_minor=moved.fx_minor,
        closing_minor=last,
        difference_minor=last - (first + issued - voided - applied + unapplied - adjusted - noted + moved.fx_minor),
        issued_minor=issued,
        voided_minor=voided,
        applied_minor=applied,
        undone_minor=unapplied,
    )
