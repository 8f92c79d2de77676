"""The invariants of invoices: what they owe as what relieves them and the ledger give it."""

from dataclasses import dataclass

from models.cash.adjustments import ACCOUNTS
from models.db.reliefs import RELIEFS
from models.db.streaming import stream
from models.db.tx import Tx
from models.verification import Finding

_INVOICES = f"""
WITH live AS (
  SELECT a.invoice_id, sum(a.minor) AS minor, sum(a.worth) AS worth, sum(a.receivable) AS receivable,
         coalesce(sum(a.minor) FILTER (WHERE a.kind = 'credit_note_application'), 0) AS noted
    FROM {RELIEFS} a WHERE a.org_id = :org AND a.undone_at IS NULL GROUP BY a.invoice_id),
carried AS (
  SELECT l.invoice_id, sum(l.debit_minor::numeric - l.credit_minor) AS minor,
         sum(l.functional_debit_minor::numeric - l.functional_credit_minor) AS worth
    FROM journal_lines l WHERE l.org_id = :org AND l.account = 'accounts_receivable' GROUP BY l.invoice_id)
SELECT i.id, i.voided_at IS NOT NULL AS void, i.total_minor, i.functional_total_minor, i.balance_due_minor,
       i.functional_balance_minor, coalesce(live.minor, 0) AS live, coalesce(live.worth, 0) AS live_worth,
       coalesce(live.noted, 0) AS noted, coalesce(live.worth - live.receivable, 0) AS noted_worth,
       coalesce(carried.minor, 0) AS carried, coalesce(carried.worth, 0) AS carried_worth
  FROM invoices i LEFT JOIN live ON live.invoice_id = i.id LEFT JOIN carried ON carried.invoice_id = i.id
 WHERE i.org_id = :org ORDER BY i.id"""


# What was given for invoices without money, beside what its accounts carry with the invoice on their lines.
_ACCOUNTS = ", ".join(f"'{account}'" for account in ACCOUNTS.values())
_GIVEN = f"""
WITH live AS (
  SELECT a.invoice_id, a.account, sum(a.account_worth) AS worth FROM {RELIEFS} a
   WHERE a.org_id = :org AND a.undone_at IS NULL AND a.account IS NOT NULL GROUP BY a.invoice_id, a.account),
carried AS (
  SELECT l.invoice_id, l.account, sum(l.functional_debit_minor::numeric - l.functional_credit_minor) AS worth
    FROM journal_lines l WHERE l.org_id = :org
     AND l.account IN ({_ACCOUNTS}) GROUP BY l.invoice_id, l.account)
SELECT invoice_id, account FROM live FULL JOIN carried USING (invoice_id, account)
 WHERE coalesce(live.worth, 0) <> coalesce(carried.worth, 0) ORDER BY invoice_id, account"""


@dataclass(frozen=True, slots=True)
class _InvoiceSums:
    """An invoice beside what relieves it and what receivables carry for it. `noted`: what credit notes settle of it, which
    receivables carry with the notes."""

    id: str
    void: bool
    total_minor: int
    functional_total_minor: int
    balance_due_minor: int
    functional_balance_minor: int
    live: int
    live_worth: int
    noted: int
    noted_worth: int
    carried: int
    carried_worth: int


def check_invoices(tx: Tx) -> Finding:
    """Balance = total less what relieves it now, in both currencies, and as receivables carry it."""
    found, count = Finding("invoices"), 0
    for i in (_InvoiceSums(**r) for r in stream(tx, _INVOICES)):
        count += 1
        total, worth = (0, 0) if i.void else (i.total_minor, i.functional_total_minor)
        balance, functional = i.balance_due_minor, i.functional_balance_minor
        if (balance, functional) != (total - i.live, worth - i.live_worth):
            found.breach(f"{i.id}: its balance is not its total less what relieves it")
        if balance == 0 and functional != 0:
            found.breach(f"{i.id}: it is settled, but something of its worth is open")
        if (balance + i.noted, functional + i.noted_worth) != (i.carried, i.carried_worth):
            found.breach(f"{i.id}: its balance is not what receivables carry for it")
    found.breach_each(stream(tx, _GIVEN), "{invoice_id}: what was given for it is not what {account} carries")
    found.what = f"{count} invoices"
    return found
