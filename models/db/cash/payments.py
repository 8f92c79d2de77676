"""Payments and what is applied of them: read, locked, moved."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from models.answers import CurrencyAmountAnswer, read_row
from models.cash.adjustments import Adjustment
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.bank_texts import BankText
from models.cash.credit_notes import CreditNote
from models.cash.records import Invoice, LatestSession, LockedPayment, Payment, PaymentApplication
from models.cash.requests import ApplySession
from models.db.cash.adjustments import Granting, granting_asked
from models.db.lookups import found, refuse_missing
from models.db.postgres.statements import Asked
from models.db.tx import Row, Tx, to_json

APPLICATIONS: Final = """(SELECT coalesce(json_agg(to_jsonb(a) || jsonb_build_object('fx_rate', a.fx_rate::text)
    ORDER BY a.created_at, a.id), '[]')::text
  FROM payment_applications a WHERE a.org_id = p.org_id AND a.payment_id = p.id)"""
CLOSED: Final = (
    "(SELECT coalesce(json_agg(c.period), '[]') FROM periods c WHERE c.org_id = :org AND c.status = 'closed')"
)
BANK_TEXTS: Final = """(SELECT l.texts FROM statement_lines l WHERE l.org_id = p.org_id AND l.statement_id = p.statement_id
  AND l.line = p.statement_line)"""
ADJUSTMENTS: Final = """(SELECT coalesce(json_agg(to_jsonb(a) ORDER BY a.id), '[]')::text
  FROM adjustments a WHERE a.org_id = p.org_id AND a.payment_id = p.id)"""
SHOWN: Final = f"p.*, {APPLICATIONS} AS applications, {BANK_TEXTS} AS bank_texts, {ADJUSTMENTS} AS adjustments"
"""A payment with what its answer shows beside it."""
_SHOWN_PAYMENTS: Final = f"SELECT {SHOWN} FROM payments p WHERE p.org_id = :org"


@dataclass(frozen=True, slots=True)
class AppliedPayment:
    """A payment with all its applications and their adjustments, the undone ones too, in the order in which they were made,
    and what its bank said of it."""

    payment: Payment
    applications: Sequence[PaymentApplication]
    bank_texts: Sequence[BankText] = ()
    adjustments: Sequence[Adjustment] = ()

    @classmethod
    def of(cls, row: Row) -> "AppliedPayment":
        """From a row of payments with `SHOWN`."""
        lines = [read_row(PaymentApplication, a) for a in json.loads(row["applications"])]
        adjustments = [read_row(Adjustment, a) for a in json.loads(row["adjustments"])]
        texts = [read_row(BankText, text) for text in row["bank_texts"] or ()]
        return cls(read_row(Payment, row), lines, texts, adjustments)


def get(tx: Tx, payment_id: str) -> AppliedPayment:
    """The payment with its applications; 404 or 403 otherwise."""
    row = tx.one(f"{_SHOWN_PAYMENTS} AND p.id = :id", id=payment_id)
    return AppliedPayment.of(found(tx, "payment", payment_id, row))


_LOCK: Final = "SELECT 1 FROM payments WHERE org_id = :org AND id = :id FOR UPDATE"
_LOCKED: Final = f"""SELECT p.*, {CLOSED} AS closed_periods,
    (SELECT row_to_json(s) FROM (SELECT id, seq, body_hash, command_id, undone FROM application_sessions
      WHERE org_id = p.org_id AND payment_id = p.id ORDER BY seq DESC LIMIT 1) s) AS latest
  FROM payments p WHERE p.org_id = :org AND p.id = :id"""
"""Read after the lock is held: what is beside the payment may have moved while waiting for it."""
LOCK_NOTES: Final = "SELECT * FROM credit_notes WHERE org_id = :org AND id = ANY(:notes) ORDER BY id FOR UPDATE"
LOCK_INVOICES: Final = "SELECT * FROM invoices WHERE org_id = :org AND id = ANY(:ids) ORDER BY id FOR UPDATE"


_OWED: Final = """SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices WHERE org_id = :org
    AND customer_id = (SELECT p.customer_id FROM payments p WHERE p.org_id = :org AND p.id = :id)
    AND balance_due_minor > 0 AND voided_at IS NULL GROUP BY currency_code"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A payment, credit notes and invoices, locked in this order. Of the last two those that are here: see `require_all` and
    `credit_notes.require_notes`.

    `owed`: what the payment's customer owes on open invoices, in minor units by currency. `granting`: what decides about
    adjustments, where any were asked for."""

    held: LockedPayment
    invoices: Mapping[str, Invoice]
    owed: Mapping[str, int]
    notes: Mapping[str, CreditNote] = field(default_factory=dict)
    granting: Granting | None = None

    @property
    def payment(self) -> Payment:
        return self.held.payment


def lock(tx: Tx, payment_id: str) -> LockedPayment:
    """The payment, locked, with the closed periods and its latest session beside it."""
    _, rows = tx.batch((_LOCK, {"id": payment_id}), (_LOCKED, {"id": payment_id}))
    return _locked(tx, payment_id, rows)


def lock_for_session(tx: Tx, payment_id: str, asked: ApplySession, who: str) -> Locked:
    """The payment as `lock` has it, the credit notes, the invoices as `lock_invoices` has them, and what decides about
    adjustments that `who` asks for: in one round trip."""
    named = {"id": payment_id}
    first: list[Asked] = [(_LOCK, named), (_LOCKED, named)]
    if asked.credit_notes:
        first.append((LOCK_NOTES, {"notes": sorted(asked.credit_note_ids)}))
    then: list[Asked] = [(LOCK_INVOICES, {"ids": sorted(asked.invoice_ids)}), (_OWED, named)]
    answered = tx.batch(*first, *then, *granting_asked(payment_id, asked.adjusted_ids, who))
    (_, rows, *notes), (invoices, owed, *granted) = answered[: len(first)], answered[len(first) :]
    return Locked(
        _locked(tx, payment_id, rows),
        {r["id"]: read_row(Invoice, r) for r in invoices},
        {r["currency_code"]: int(r["minor"]) for r in owed},
        {r["id"]: read_row(CreditNote, r) for found in notes for r in found},
        Granting.of_rows(*granted) if granted else None,
    )


def _locked(tx: Tx, payment_id: str, rows: Sequence[Row]) -> LockedPayment:
    row = rows[0] if rows else refuse_missing(tx, "payment", payment_id)
    latest = row["latest"]
    return LockedPayment(
        read_row(Payment, row), frozenset(row["closed_periods"]), latest and read_row(LatestSession, latest)
    )


def lock_invoices(tx: Tx, invoice_ids: Sequence[str]) -> Mapping[str, Invoice]:
    """The invoices, locked in the order of their ids; 404 INVOICE_NOT_FOUND or 403 for one that is not here."""
    if not invoice_ids:
        return {}
    rows = tx.records(Invoice, LOCK_INVOICES, ids=sorted(set(invoice_ids)))
    return require_all(tx, invoice_ids, {i.id: i for i in rows})


def require_all(tx: Tx, invoice_ids: Sequence[str], found: Mapping[str, Invoice]) -> Mapping[str, Invoice]:
    """The invoices that were found; 404 INVOICE_NOT_FOUND or 403 for the first that was not."""
    for invoice_id in invoice_ids:
        if invoice_id not in found:
            refuse_missing(tx, "invoice", invoice_id)
    return found


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What an invoice has open from now on, in its currency and in the functional one."""

    id: str
    balance: int
    functional: int


_MOVE_BALANCES: Final = """UPDATE invoices i SET balance_due_minor = n.balance, functional_balance_minor = n.functional,
    version = i.version + 1
  FROM json_to_recordset(CAST(:rows AS json)) AS n(id text, balance bigint, functional bigint)
  WHERE i.org_id = :org AND i.id = n.id"""


def move_balances(tx: Tx, changes: Sequence[BalanceChange]) -> None:
    """Give invoices their new balances, at the latest with the commit."""
    if changes:
        tx.later(_MOVE_BALANCES, rows=to_json(list(changes)))


def balances_after(invoices: Mapping[str, Invoice], changes: Iterable[BalanceChange]) -> list[InvoiceBalanceAnswer]:
    """The locked invoices as the changes leave them, in the order of the changes."""
    moved = [replace(invoices[c.id], balance_due_minor=c.balance) for c in changes]
    return [balance_of(i) for i in moved]


def balance_of(i: Invoice) -> InvoiceBalanceAnswer:
    """The invoice as it stands."""
    return InvoiceBalanceAnswer(id=i.id, status=i.status, balance_due_minor=i.balance_due_minor)


def balances_now(tx: Tx, invoice_ids: Sequence[str]) -> list[InvoiceBalanceAnswer]:
    """Invoices as they stand, in the order in which they are named."""
    rows = tx.records(Invoice, "SELECT * FROM invoices WHERE org_id = :org AND id = ANY(:ids)", ids=sorted(invoice_ids))
    found = {i.id: i for i in rows}
    named = [found[i] for i in invoice_ids]
    return [balance_of(i) for i in named]


def outstanding(tx: Tx, customer_id: str | None) -> list[CurrencyAmountAnswer]:
    """What the customer owes on open invoices, per currency."""
    rows = tx.all(
        """SELECT currency_code, sum(balance_due_minor) AS minor FROM invoices
           WHERE org_id = :org AND customer_id = :customer AND balance_due_minor > 0 AND voided_at IS NULL
           GROUP BY currency_code ORDER BY currency_code""",
        customer=customer_id,
    )
    return [CurrencyAmountAnswer(currency_code=r["currency_code"], minor=int(r["minor"])) for r in rows]


def apply_session(tx: Tx, after: Payment, before: Payment, changes: Sequence[BalanceChange]) -> None:
    """Move a locked payment and its invoices, in one statement that goes with the commit."""
    tx.later(
        f"""WITH inv AS ({_MOVE_BALANCES})
           UPDATE payments SET applied_minor = applied_minor + :applied, credit_held_minor = credit_held_minor + :held,
               functional_available_minor = :worth, posted = :posted, version = version + 1,
               overpayment = CASE WHEN :word = '' THEN overpayment ELSE :word END
             WHERE org_id = :org AND id = :id""",
        rows=to_json(list(changes)),
        applied=after.applied_minor - before.applied_minor,
        held=after.credit_held_minor - before.credit_held_minor,
        worth=after.functional_available_minor,
        posted=after.posted,
        word=after.overpayment or "",
        id=after.id,
    )


def owed_after(held: Locked, changes: Iterable[BalanceChange]) -> list[CurrencyAmountAnswer]:
    """What the payment's customer owes once the changes are made, whosever invoices they are; follows from what was locked."""
    owed = dict(held.owed)
    for change in changes:
        before = held.invoices[change.id]
        if before.customer_id != held.payment.customer_id:
            continue
        owed[before.currency_code] -= before.balance_due_minor - change.balance
    return [CurrencyAmountAnswer(currency_code=c, minor=minor) for c, minor in sorted(owed.items()) if minor]


def unapply(tx: Tx, after: Payment) -> None:
    """Give a locked payment back what an application had taken."""
    tx.later(
        """UPDATE payments SET applied_minor = :applied, functional_available_minor = :worth, version = version + 1
           WHERE org_id = :org AND id = :id""",
        applied=after.applied_minor,
        worth=after.functional_available_minor,
        id=after.id,
    )


def mark_reversed(tx: Tx, payment_id: str, *, on: date, reason: str, note: str | None) -> None:
    """The end of a locked payment and of its credits."""
    tx.later(
        """UPDATE customer_credits SET withdrawn_at = :at, withdrawn_date = :day, remaining_minor = 0,
             functional_remaining_minor = 0 WHERE org_id = :org AND payment_id = :id AND withdrawn_at IS NULL""",
        at=tx.now,
        day=on,
        id=payment_id,
    )
    tx.later(
        """UPDATE payments SET reversed_at = :at, reversal_date = :day, reversal_reason = :reason, reversal_note = :note,
             applied_minor = 0, credit_held_minor = 0, functional_available_minor = 0, version = version + 1
           WHERE org_id = :org AND id = :id""",
        at=tx.now,
        day=on,
        reason=reason,
        note=note,
        id=payment_id,
    )


def mark_posted(tx: Tx, payment_id: str) -> None:
    """Its receipt is in the ledger."""
    tx.later("UPDATE payments SET posted = true, version = version + 1 WHERE org_id = :org AND id = :id", id=payment_id)


def assign(tx: Tx, payment_id: str, customer_id: str) -> None:
    """Say whose a locked payment is."""
    tx.later(
        "UPDATE payments SET customer_id = :customer, version = version + 1 WHERE org_id = :org AND id = :id",
        customer=customer_id,
        id=payment_id,
    )


def completed_reconciliation(tx: Tx, payment_id: str) -> str | None:
    """The completed bank reconciliation that holds the payment, if any."""
    found: str | None = tx.scalar(
        """SELECT r.id FROM reconciliation_payments rp JOIN reconciliations r ON r.org_id = rp.org_id
             AND r.id = rp.reconciliation_id
           WHERE rp.org_id = :org AND rp.payment_id = :id AND r.status = 'COMPLETED' LIMIT 1""",
        id=payment_id,
    )
    return found


def resolve_unmatched(tx: Tx, payment_id: str, *, who: str, code: str) -> list[str]:
    """The exceptions of a payment that a statement left for a person are dealt with; their ids. Whether it is one of two
    is a question until it is linked or reversed."""
    return tx.column(
        """UPDATE exceptions SET status = 'resolved', resolved_at = :at, resolved_by = :who, resolution_code = :code
           WHERE org_id = :org AND subject_id = :id AND kind IN ('unmatched_payment', 'possible_duplicate') AND status = 'open'
           RETURNING id""",
        at=tx.now,
        who=who,
        code=code,
        id=payment_id,
    )
