"""The receivables of every customer on a day, tied to the control account.

Aging goes by effective dates (payment date, issue date), the ledger by entry dates (which step over closed periods).
The report names every movement that one counts on the day and the other does not; what then remains is an error.
"""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.answers import read_row
from models.cash.aging import BUCKETS, Aged, summed
from models.cash.ledger import Account
from models.cash.report_answers import (
    AgingControlAnswer,
    AgingTimingAnswer,
    ArAgingReportAnswer,
    CustomerAgingAnswer,
    EntityAgingAnswer,
    by_currency,
)
from models.db.cash.ledger_balances import balances, functional_currencies
from models.db.cash.open_items import open_payments, open_sums
from models.db.cash.open_notes import open_notes
from models.db.reliefs import RELIEFS
from models.db.tx import Tx

SHOWN_DIFFERENCES: Final = 500

# A movement of receivables: when aging counts it, when the ledger does, and how much (functional currency).
_TIMING = f"""
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
  SELECT a.kind, a.id, i.legal_entity_id, a.effective_date, a.entry_date, -a.receivable
    FROM {RELIEFS} a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id WHERE a.org_id = :org
  UNION ALL
  SELECT 'undone_' || a.kind, a.id, i.legal_entity_id,
         greatest(a.effective_date, least(a.undone_date, i.void_date)), a.undone_entry_date, a.receivable
    FROM {RELIEFS} a JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
   WHERE a.org_id = :org AND a.undone_at IS NOT NULL
  UNION ALL
  SELECT e.kind, n.id, n.legal_entity_id, CASE e.kind WHEN 'credit_note' THEN n.issue_date ELSE n.void_date END,
         e.entry_date, CASE e.kind WHEN 'credit_note' THEN -n.functional_total_minor ELSE n.functional_total_minor END
    FROM journal_entries e JOIN credit_notes n ON n.org_id = e.org_id AND n.id = e.source_id
   WHERE e.org_id = :org AND e.kind IN ('credit_note', 'credit_note_void'))
SELECT kind, record_id, legal_entity_id, effective_date, entry_date,
       CASE WHEN entry_date <= :day THEN minor ELSE -minor END AS minor
  FROM movements WHERE (effective_date <= :day) <> (entry_date <= :day) AND minor <> 0
 ORDER BY legal_entity_id, effective_date, record_id"""

_CUSTOMERS = """SELECT c.id, c.name, c.legal_entity_id FROM customers c WHERE c.org_id = :org
  AND (EXISTS (SELECT FROM invoices i WHERE i.org_id = c.org_id AND i.customer_id = c.id AND i.issue_date <= :day)
    OR EXISTS (SELECT FROM credit_notes n WHERE n.org_id = c.org_id AND n.customer_id = c.id AND n.issue_date <= :day)
    OR EXISTS (SELECT FROM payments p WHERE p.org_id = c.org_id AND p.customer_id = c.id AND p.payment_date <= :day))"""


@dataclass(frozen=True, slots=True)
class _Customer:
    id: str
    name: str
    legal_entity_id: str


def ar_aging_report(
    tx: Tx, as_of: date, entities: Collection[str] | None, limit: int | None = None
) -> ArAgingReportAnswer:  # fmt: skip
    """Every customer with an invoice or a payment by `as_of`, per legal entity in its functional currency. `limit`: so many
    are shown, the most overdue first; what is said of all is of all.

    `control`, per entity: ledger = aging + timing differences + difference, which must be 0.
    """
    currencies = functional_currencies(tx, entities)
    aged, untranslated = _aged(tx, as_of, entities)
    customers = {c.id: c for c in tx.records(_Customer, _CUSTOMERS, day=as_of)}
    seen = {customer for _, customer in aged}
    for c in customers.values():
        if c.id not in seen and c.legal_entity_id in currencies:
            aged[c.legal_entity_id, c.id] = Aged()
    totals = {e: summed(a for (entity, _), a in aged.items() if entity == e) for e in currencies}
    return ArAgingReportAnswer(
        as_of=as_of,
        customers=len(aged),
        items=[
            CustomerAgingAnswer(
                legal_entity_id=entity,
                customer_id=customer,
                customer_name=customers[customer].name if customer in customers else None,
                currency_code=currencies[entity],
                by_currency=by_currency(untranslated.get((entity, customer), {})),
                **a.as_dict(),
            )
            for (entity, customer), a in _in_order(aged, limit)
        ],
        totals=[
            EntityAgingAnswer(legal_entity_id=e, currency_code=code, **totals[e].as_dict())
            for e, code in currencies.items()
        ],
        control=_control(tx, as_of, currencies, totals),
    )


_Key = tuple[str, str]
"""A legal entity and a customer."""


def _in_order(aged: Mapping[_Key, Aged], limit: int | None) -> Sequence[tuple[_Key, Aged]]:
    if limit is None:
        return sorted(aged.items(), key=lambda one: one[0])
    return heapq.nsmallest(limit, aged.items(), key=lambda one: (-one[1].overdue_minor, -one[1].total_minor, one[0]))


def _aged(
    tx: Tx, as_of: date, entities: Collection[str] | None
) -> tuple[dict[_Key, Aged], dict[_Key, dict[str, Aged]]]:  # fmt: skip
    """What is open: in the functional currency of its legal entity, and by currency untranslated."""
    aged: dict[_Key, Aged] = {}
    untranslated: dict[_Key, dict[str, Aged]] = {}
    for r in open_sums(tx, as_of, entities=entities):
        key, name = (r.legal_entity_id, r.customer_id), BUCKETS[r.bucket]
        aged.setdefault(key, Aged()).put(name, r.functional_minor, r.functional_disputed_minor)
        own = untranslated.setdefault(key, {}).setdefault(r.currency_code, Aged())
        own.put(name, r.minor, r.disputed_minor)
    for p in open_payments(tx, as_of, entities=entities):
        if p.customer_id is None:
            continue
        key, left = (p.legal_entity_id, p.customer_id), p.funds
        aged.setdefault(key, Aged()).put_funds(left.functional_unapplied_minor, left.functional_credits_minor)
        own = untranslated.setdefault(key, {}).setdefault(p.currency_code, Aged())
        own.put_funds(left.unapplied_minor, left.credits_minor)
    for n in open_notes(tx, as_of, entities=entities):
        key = (n.legal_entity_id, n.customer_id)
        aged.setdefault(key, Aged()).put_notes(n.functional_balance_minor)
        untranslated.setdefault(key, {}).setdefault(n.currency_code, Aged()).put_notes(n.balance_minor)
    return aged, untranslated


def _control(
    tx: Tx, day: date, currencies: Mapping[str, str], totals: Mapping[str, Aged]
) -> list[AgingControlAnswer]:  # fmt: skip
    ledger = balances(tx, day, Account.ACCOUNTS_RECEIVABLE)
    differences: dict[str, list[AgingTimingAnswer]] = {}
    for row in tx.all(_TIMING, day=day):
        differences.setdefault(row["legal_entity_id"], []).append(read_row(AgingTimingAnswer, row))
    control = []
    for entity, code in currencies.items():
        timing, aging, carried = differences.get(entity, []), totals[entity].owed_minor, ledger.get(entity, 0)
        moved = sum(t.minor for t in timing)
        control.append(
            AgingControlAnswer(
                legal_entity_id=entity,
                currency_code=code,
                account=Account.ACCOUNTS_RECEIVABLE,
                ledger_minor=carried,
                aging_minor=aging,
                timing_minor=moved,
                timing_count=len(timing),
                timing_differences=timing[:SHOWN_DIFFERENCES],
                difference_minor=carried - aging - moved,
            )
        )
    return control
