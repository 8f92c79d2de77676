"""The invariants of credit notes: what is left of them as what they settle and the ledger give it."""

from dataclasses import dataclass

from models.db.streaming import stream
from models.db.tx import Tx
from models.verification import Finding

_NOTES = """
WITH live AS (
  SELECT a.credit_note_id, sum(a.applied_minor) AS minor, sum(a.functional_credit_minor) AS worth
    FROM credit_note_applications a WHERE a.org_id = :org AND a.undone_at IS NULL GROUP BY a.credit_note_id),
carried AS (
  SELECT e.source_id, sum(l.credit_minor::numeric - l.debit_minor) AS minor,
         sum(l.functional_credit_minor::numeric - l.functional_debit_minor) AS worth
    FROM journal_entries e JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id
   WHERE e.org_id = :org AND e.kind IN ('credit_note', 'credit_note_void') AND l.account = 'accounts_receivable'
     AND l.invoice_id IS NULL GROUP BY e.source_id)
SELECT n.id, n.posted_at IS NOT NULL AND n.voided_at IS NULL AS in_books, n.rejected_at IS NULL AND n.voided_at IS NULL AS stands,
       n.total_minor, n.functional_total_minor, n.balance_minor, n.functional_balance_minor,
       coalesce(live.minor, 0) AS live, coalesce(live.worth, 0) AS live_worth,
       coalesce(carried.minor, 0) AS carried, coalesce(carried.worth, 0) AS carried_worth
  FROM credit_notes n LEFT JOIN live ON live.credit_note_id = n.id LEFT JOIN carried ON carried.source_id = n.id
 WHERE n.org_id = :org ORDER BY n.id"""

_APPLICATIONS = """SELECT a.id, a.credit_note_id, a.invoice_id FROM credit_note_applications a
  JOIN credit_notes n ON n.org_id = a.org_id AND n.id = a.credit_note_id
  JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
  LEFT JOIN payments p ON p.org_id = a.org_id AND p.id = a.payment_id
  WHERE a.org_id = :org AND (a.effective_date <> greatest(n.issue_date, i.issue_date) OR a.undone_date < a.effective_date
     OR a.currency_code <> n.currency_code OR a.currency_code <> i.currency_code OR a.customer_id <> n.customer_id
     OR a.customer_id <> i.customer_id OR a.legal_entity_id <> n.legal_entity_id OR a.legal_entity_id <> i.legal_entity_id
     OR (a.undone_at IS NULL AND (p.reversed_at IS NOT NULL OR n.voided_at IS NOT NULL OR n.posted_at IS NULL)))"""


@dataclass(frozen=True, slots=True)
class _NoteSums:
    """A note beside what it settles and what receivables carry for it; `stands`: neither void nor rejected."""

    id: str
    in_books: bool
    stands: bool
    total_minor: int
    functional_total_minor: int
    balance_minor: int
    functional_balance_minor: int
    live: int
    live_worth: int
    carried: int
    carried_worth: int


def check_credit_notes(tx: Tx) -> Finding:
    """Balance = total less what it settles now, in both currencies; receivables carry the whole of it while it is booked."""
    found, count = Finding("credit notes"), 0
    found.breach_each(stream(tx, _APPLICATIONS), "{id}: the application does not fit {credit_note_id} and {invoice_id}")
    for n in (_NoteSums(**r) for r in stream(tx, _NOTES)):
        count += 1
        total, worth = (n.total_minor, n.functional_total_minor) if n.stands else (0, 0)
        if (n.balance_minor, n.functional_balance_minor) != (total - n.live, worth - n.live_worth):
            found.breach(f"{n.id}: its balance is not its total less what it settles")
        if n.balance_minor == 0 and n.functional_balance_minor != 0:
            found.breach(f"{n.id}: it is used up, but something of its worth is left")
        booked = (n.total_minor, n.functional_total_minor) if n.in_books else (0, 0)
        if booked != (n.carried, n.carried_worth):
            found.breach(f"{n.id}: receivables do not carry what it takes back")
    found.what = f"{count} credit notes"
    return found
