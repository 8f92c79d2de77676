"""The ledger's invariants: entries as the trail names them, balances as the records of invoices and payments give them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from models.cash.ledger import JournalEntry, JournalLine
from models.db.streaming import Scratch, readable, stream
from models.db.tx import Tx
from models.money import spelt
from models.verification import Finding

_ENTRIES = f"""SELECT e.id, {readable("e.entry_date")} AS entry_date, e.kind, e.source_id, e.legal_entity_id,
    e.functional_currency, e.digest, {readable("e.created_at")} AS created_at, l.line_no, l.account, l.debit_minor,
    l.credit_minor, l.currency_code, l.functional_debit_minor, l.functional_credit_minor, l.customer_id, l.invoice_id,
    l.bank_account_id
  FROM journal_entries e LEFT JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id
  WHERE e.org_id = :org ORDER BY e.id, l.line_no"""

_UNNAMED = """SELECT v.id, v.source_id FROM verify_entries v
  WHERE NOT EXISTS (SELECT FROM verify_marks m WHERE m.entry_id = v.id) ORDER BY v.id"""
_DIFFERENT = """SELECT v.id, m.subject_id, m.seq FROM verify_entries v JOIN verify_marks m ON m.entry_id = v.id
  WHERE m.digest <> v.digest OR m.at IS DISTINCT FROM v.created_at ORDER BY v.id"""
_GONE = """SELECT DISTINCT m.entry_id, m.subject_id, m.seq FROM verify_marks m
  WHERE NOT EXISTS (SELECT FROM verify_entries v WHERE v.id = m.entry_id) ORDER BY m.entry_id"""
_ORPHANS = """SELECT DISTINCT l.entry_id FROM journal_lines l WHERE l.org_id = :org AND NOT EXISTS
  (SELECT FROM journal_entries e WHERE e.org_id = l.org_id AND e.id = l.entry_id)"""


@dataclass(frozen=True, slots=True)
class _EntryLine:
    """An entry with one of its lines, `line_no` None where it has none. As it stands, whatever somebody made of it."""

    id: str
    entry_date: date
    kind: str
    source_id: str
    legal_entity_id: str
    functional_currency: str
    digest: str
    created_at: datetime | None
    line_no: int | None
    account: str
    debit_minor: int
    credit_minor: int
    currency_code: str
    functional_debit_minor: int
    functional_credit_minor: int
    customer_id: str | None
    invoice_id: str | None
    bank_account_id: str | None

    def entry(self) -> JournalEntry:
        """The entry, still without lines."""
        return JournalEntry(
            self.id, self.entry_date, self.kind, self.source_id, self.legal_entity_id, self.functional_currency
        )

    def line(self) -> JournalLine:
        return JournalLine(
            self.account, self.debit_minor, self.credit_minor, self.currency_code, self.functional_debit_minor,
            self.functional_credit_minor, self.customer_id, self.invoice_id, self.bank_account_id,
        )  # fmt: skip


def check_entries(tx: Tx) -> Finding:
    """Every entry balances, has its digest, and is named with it, at its time, in the trail; none that the trail names is gone.

    Needs the scratch tables that `verify_trail.Trail` filled.
    """
    found, count = Finding("ledger entries"), 0
    kept = Scratch(tx, "verify_entries")
    for _, rows in groupby((_EntryLine(**r) for r in stream(tx, _ENTRIES)), key=lambda r: r.id):
        first = next(rows)
        entry = first.entry()
        numbers = []
        for r in (first, *rows):
            if r.line_no is not None:
                entry.lines.append(r.line())
                numbers.append(r.line_no)
        count += 1
        digest = entry.digest()
        kept.add(id=entry.id, source_id=entry.source_id, digest=digest, created_at=first.created_at)
        written = all(_as_written(line) for line in entry.lines)
        if written and not entry.balanced:
            found.breach(f"{entry.id}: the entry does not balance")
        if not written or digest != first.digest or numbers != list(range(1, len(numbers) + 1)):
            found.breach(f"{entry.id}: the entry was altered, its digest is another one")
    kept.flush()
    found.breach_each(
        stream(tx, _DIFFERENT), "{id}: the entry differs from what event {seq} of {subject_id} says of it"
    )
    found.breach_each(stream(tx, _UNNAMED), "{id}: no audit event names the entry (made for {source_id})")
    found.breach_each(stream(tx, _GONE), "{entry_id}: the entry is gone, event {seq} of {subject_id} names it")
    found.breach_each(stream(tx, _ORPHANS), "{entry_id}: lines without their entry")
    found.what = f"{count} entries"
    return found


def _as_written(line: JournalLine) -> bool:
    """Whether the line has its amounts and no empty tag, which are never written: the digest could not tell it from none."""
    amounts: tuple[object, ...] = (
        line.debit_minor, line.credit_minor, line.functional_debit_minor, line.functional_credit_minor,
    )  # fmt: skip
    return all(a is not None for a in amounts) and "" not in (line.customer_id, line.invoice_id, line.bank_account_id)


_APPLICATIONS = """SELECT a.id, a.payment_id, a.invoice_id FROM payment_applications a
  JOIN payments p ON p.org_id = a.org_id AND p.id = a.payment_id
  JOIN invoices i ON i.org_id = a.org_id AND i.id = a.invoice_id
  WHERE a.org_id = :org AND (a.effective_date <> greatest(p.payment_date, i.issue_date) OR a.undone_date < a.effective_date
     OR a.currency_code <> p.currency_code OR a.invoice_currency_code <> i.currency_code
     OR a.customer_id <> i.customer_id OR (a.unapplied_at IS NULL AND p.reversed_at IS NOT NULL))"""
_ADJUSTMENTS = """SELECT d.id, d.application_id, d.invoice_id FROM adjustments d
  JOIN invoices i ON i.org_id = d.org_id AND i.id = d.invoice_id
  LEFT JOIN payment_applications a ON a.org_id = d.org_id AND a.id = d.application_id
  WHERE d.org_id = :org AND (a.id IS NULL OR a.invoice_id <> d.invoice_id OR a.payment_id <> d.payment_id
     OR a.session_id <> d.session_id OR a.customer_id <> d.customer_id OR d.currency_code <> i.currency_code
     OR d.legal_entity_id <> i.legal_entity_id OR d.functional_currency <> i.functional_currency
     OR d.effective_date <> a.effective_date OR d.undone_date < d.effective_date
     OR (d.undone_at IS NULL AND a.unapplied_at IS NOT NULL))"""

_PAYMENTS = """
WITH live AS (
  SELECT a.payment_id, sum(a.applied_minor) AS minor FROM payment_applications a
   WHERE a.org_id = :org AND a.unapplied_at IS NULL GROUP BY a.payment_id),
held AS (
  SELECT c.payment_id, sum(c.remaining_minor) FILTER (WHERE c.kind = 'customer_credit') AS minor,
         sum(c.functional_remaining_minor) FILTER (WHERE c.kind = 'customer_credit') AS worth
    FROM customer_credits c WHERE c.org_id = :org AND c.withdrawn_at IS NULL GROUP BY c.payment_id),
carried AS (
  SELECT e.source_id, sum((l.debit_minor::numeric - l.credit_minor) * (l.account = 'cash')::int) AS cash,
         sum((l.functional_debit_minor::numeric - l.functional_credit_minor) * (l.account = 'cash')::int) AS cash_worth,
         sum((l.functional_credit_minor::numeric - l.functional_debit_minor) * (l.account = 'unapplied_cash')::int) AS unapplied,
         sum((l.functional_credit_minor::numeric - l.functional_debit_minor) * (l.account = 'customer_credits')::int) AS credits
    FROM journal_entries e JOIN journal_lines l ON l.org_id = e.org_id AND l.entry_id = e.id
   WHERE e.org_id = :org GROUP BY e.source_id)
SELECT p.id, p.amount_minor, p.applied_minor, p.credit_held_minor, coalesce(live.minor, 0) AS live,
       coalesce(held.minor, 0) AS held, p.amount_minor - p.applied_minor - p.credit_held_minor AS left,
       p.posted AND p.reversed_at IS NULL AS in_books, p.functional_amount_minor,
       p.functional_available_minor AS available, coalesce(held.worth, 0) AS held_worth,
       coalesce(carried.cash, 0) AS cash, coalesce(carried.cash_worth, 0) AS cash_worth,
       coalesce(carried.unapplied, 0) AS unapplied, coalesce(carried.credits, 0) AS credits
  FROM payments p LEFT JOIN live ON live.payment_id = p.id LEFT JOIN held ON held.payment_id = p.id
  LEFT JOIN carried ON carried.source_id = p.id WHERE p.org_id = :org ORDER BY p.id"""


@dataclass(frozen=True, slots=True)
class _PaymentSums:
    """A payment beside what its applications, its credits and its entries come to; `*_worth` in the functional currency."""

    id: str
    amount_minor: int
    applied_minor: int
    credit_held_minor: int
    live: int
    held: int
    left: int
    in_books: bool
    functional_amount_minor: int
    available: int
    held_worth: int
    cash: int
    cash_worth: int
    unapplied: int
    credits: int


def check_payments(tx: Tx) -> Finding:
    """Applied no more than received, as the live applications and credits say; cash, unapplied and credits as posted."""
    found, count = Finding("payments"), 0
    found.breach_each(stream(tx, _APPLICATIONS), "{id}: the application does not fit {payment_id} and {invoice_id}")
    found.breach_each(stream(tx, _ADJUSTMENTS), "{id}: the adjustment does not fit {application_id} and {invoice_id}")
    for p in (_PaymentSums(**r) for r in stream(tx, _PAYMENTS)):
        count += 1
        amount, worth = (p.amount_minor, p.functional_amount_minor) if p.in_books else (0, 0)
        left, credits = (p.available, p.held_worth) if p.in_books else (0, 0)
        checks = (
            ("applications exceed the amount", p.live > p.amount_minor),
            ("applied_minor is not the sum of its live applications", p.applied_minor != p.live),
            ("credit_held_minor is not what its credits hold", p.credit_held_minor != p.held),
            ("cash posted for it is not its amount", (p.cash, p.cash_worth) != (amount, worth)),
            ("unapplied cash posted for it is not what is left of it", p.unapplied != left),
            ("customer credits posted for it are not what its credits hold", p.credits != credits),
            ("it is used up, but something of its worth is left", p.left == 0 and p.available != 0),
            ("its credits hold no money, but something of its worth", p.held == 0 and p.held_worth != 0),
        )
        for said, wrong in checks:
            if wrong:
                found.breach(f"{p.id}: {said}")
    found.what = f"{count} payments"
    return found


_CONTROL = """
WITH carried AS (
  SELECT e.legal_entity_id, l.account, sum(l.functional_debit_minor::numeric - l.functional_credit_minor) AS minor
    FROM journal_lines l JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id
   WHERE l.org_id = :org AND l.account IN ('accounts_receivable', 'cash', 'unapplied_cash', 'customer_credits')
   GROUP BY e.legal_entity_id, l.account),
recorded AS (
  SELECT legal_entity_id, 'accounts_receivable' AS account, sum(minor) AS minor FROM (
    SELECT legal_entity_id, functional_balance_minor AS minor FROM invoices WHERE org_id = :org
    UNION ALL
    SELECT legal_entity_id, -functional_balance_minor FROM credit_notes WHERE org_id = :org AND posted_at IS NOT NULL) o
   GROUP BY legal_entity_id
  UNION ALL
  SELECT legal_entity_id, 'cash', sum(functional_amount_minor)
    FROM payments WHERE org_id = :org AND posted AND reversed_at IS NULL GROUP BY legal_entity_id
  UNION ALL
  SELECT legal_entity_id, 'unapplied_cash', -sum(functional_available_minor)
    FROM payments WHERE org_id = :org AND posted AND reversed_at IS NULL GROUP BY legal_entity_id
  UNION ALL
  SELECT legal_entity_id, 'customer_credits', -sum(functional_remaining_minor)
    FROM customer_credits WHERE org_id = :org AND kind = 'customer_credit' AND withdrawn_at IS NULL GROUP BY legal_entity_id)
SELECT account, legal_entity_id, coalesce(c.minor, 0) AS ledger, coalesce(t.minor, 0) AS records,
  (SELECT e.functional_currency FROM legal_entities e WHERE e.org_id = :org AND e.id = legal_entity_id) AS currency_code
  FROM carried c FULL JOIN recorded t USING (legal_entity_id, account) ORDER BY account, legal_entity_id"""
_NAMES = {
    "accounts_receivable": ("receivables control", "the open balances of invoices less the open credit notes"),
    "cash": ("cash", "the posted receipts that are not reversed"),
    "unapplied_cash": ("unapplied cash", "what is left of payments"),
    "customer_credits": ("customer credits", "what credits hold"),
}


@dataclass(frozen=True, slots=True)
class _Control:
    """An account of one legal entity: what the ledger says, and what the records behind it come to."""

    account: str
    legal_entity_id: str
    ledger: int
    records: int
    currency_code: str | None

    def says(self, minor: int) -> str:
        """A sum of the account, as people read it; bare where its legal entity is gone."""
        return spelt(int(minor), self.currency_code) if self.currency_code else str(int(minor))


def check_control_accounts(tx: Tx) -> Iterator[Finding]:
    """The four accounts that records stand behind, per legal entity, in its functional currency."""
    rows = [_Control(**r) for r in tx.all(_CONTROL)]
    for account, (check, records) in _NAMES.items():
        found = Finding(check)
        mine = [r for r in rows if r.account == account]
        for r in mine:
            if r.ledger != r.records:
                found.breach(
                    f"{r.legal_entity_id}: the account {account} says {r.says(r.ledger)}, {records} say {r.says(r.records)}"
                )
        found.what = ", ".join(f"{r.legal_entity_id} {r.says(r.ledger)}" for r in mine)
        yield found
