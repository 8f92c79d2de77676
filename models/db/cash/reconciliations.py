"""Bank reconciliations: read, moved; and what the books say that a bank account holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import literal_column, select

from models.answers import read_row
from models.cash.book_answers import ReconciliationAnswer, reconciliation_answer
from models.cash.periods import entry_date
from models.cash.records import BankedPayment, Payment, Reconciliation, ReconciliationStatus
from models.db.cash.payments import CLOSED
from models.db.listing import Listing, among, param
from models.db.lookups import found
from models.db.tables.bank import bank_accounts, reconciliations
from models.db.tx import Row, Tx

_CURRENCY: Final = (
    """(SELECT b.currency_code FROM bank_accounts b WHERE b.org_id = r.org_id AND b.id = r.bank_account_id)"""
)
_PAYMENTS: Final = """(SELECT coalesce(json_agg(rp.payment_id ORDER BY rp.payment_id), '[]')
  FROM reconciliation_payments rp WHERE rp.org_id = r.org_id AND rp.reconciliation_id = r.id)"""
_GET: Final = f"""SELECT r.*, {_CURRENCY} AS currency_code, {_PAYMENTS} AS payment_ids
  FROM reconciliations r WHERE r.org_id = :org AND r.id = :id"""
_R: Final = reconciliations.alias("r")
_LIST: Final = Listing(
    _R,
    key=(_R.c.id,),
    newest_first=True,
    shown=(
        _R,
        literal_column(_CURRENCY).label("currency_code"),
        literal_column(_PAYMENTS).label("payment_ids"),
    ),
    within=_R.c.bank_account_id.in_(
        select(bank_accounts.c.id).where(bank_accounts.c.org_id == param("org"), among(bank_accounts.c.legal_entity_id))
    ),
    equal=(_R.c.bank_account_id,),
)


@dataclass(frozen=True, slots=True)
class ReconciledPayments:
    """A reconciliation with the payments in it and its bank account's currency."""

    reconciliation: Reconciliation
    payment_ids: Sequence[str]
    currency_code: str

    @classmethod
    def of(cls, row: Row) -> "ReconciledPayments":
        """From a row of reconciliations with these two beside it."""
        return cls(read_row(Reconciliation, row), row["payment_ids"], row["currency_code"])


def get(tx: Tx, recon_id: str, *, lock: bool = False) -> ReconciledPayments:
    """The reconciliation with its payments; 404 or 403 otherwise."""
    row = tx.one(_GET + (" FOR UPDATE OF r" if lock else ""), id=recon_id)
    return ReconciledPayments.of(found(tx, "reconciliation", recon_id, row))


def list_reconciliations(
    tx: Tx, entities: Collection[str] | None, bank_account_id: str | None, after: tuple[str] | None, limit: int
) -> Sequence[ReconciledPayments]:
    """The newest first."""
    rows = _LIST.page(tx, entities, after, limit, bank_account_id=bank_account_id)
    return [ReconciledPayments.of(row) for row in rows]


def banked(tx: Tx, payment_ids: Sequence[str], *, lock: bool = False) -> list[BankedPayment]:
    """Those of the payments that are here, by id, with what decides whether they may be reconciled."""
    if lock:  # before they are read: another reconciliation may be completing with the same payment
        tx.later(
            "SELECT 1 FROM payments WHERE org_id = :org AND id = ANY(:ids) ORDER BY id FOR UPDATE",
            ids=list(payment_ids),
        )
    rows = tx.all(
        f"""SELECT p.*, {CLOSED} AS closed_periods, (SELECT r.id FROM reconciliation_payments rp
              JOIN reconciliations r ON r.org_id = rp.org_id AND r.id = rp.reconciliation_id
              WHERE rp.org_id = p.org_id AND rp.payment_id = p.id AND r.status = 'COMPLETED' LIMIT 1) AS completed_in
            FROM payments p WHERE p.org_id = :org AND p.id = ANY(:ids) ORDER BY p.id""",
        ids=list(payment_ids),
    )
    return [BankedPayment(read_row(Payment, r), frozenset(r["closed_periods"]), r["completed_in"]) for r in rows]


def draft(tx: Tx, recon: Reconciliation, payment_ids: Sequence[str]) -> None:
    """Keep a new one with its payments."""
    tx.insert("reconciliations", [recon])
    tx.insert("reconciliation_payments", [{"reconciliation_id": recon.id, "payment_id": i} for i in payment_ids])


def complete(tx: Tx, recon_id: str, *, who: str) -> None:
    """A locked one guards its payments from now on."""
    tx.later(
        "UPDATE reconciliations SET status = :status, completed_at = :at, completed_by = :who WHERE org_id = :org AND id = :id",
        status=ReconciliationStatus.COMPLETED,
        at=tx.now,
        who=who,
        id=recon_id,
    )


def reopen(tx: Tx, recon_id: str, *, who: str, reason: str) -> None:
    """A locked one is taken up again."""
    tx.later(
        """UPDATE reconciliations SET status = :status, reopened_at = :at, reopened_by = :who, reopen_reason = :reason
           WHERE org_id = :org AND id = :id""",
        status=ReconciliationStatus.REOPENED,
        at=tx.now,
        who=who,
        reason=reason,
        id=recon_id,
    )


_POSTED: Final = """SELECT coalesce(sum(CASE WHEN le.functional_currency = b.currency_code
         THEN l.functional_debit_minor - l.functional_credit_minor
         WHEN l.currency_code = b.currency_code THEN l.debit_minor - l.credit_minor ELSE 0 END), 0) AS minor
  FROM bank_accounts b JOIN legal_entities le ON le.org_id = b.org_id AND le.id = b.legal_entity_id
  JOIN journal_lines l ON l.org_id = b.org_id AND l.account = 'cash' AND l.bank_account_id = b.id
  JOIN journal_entries e ON e.org_id = l.org_id AND e.id = l.entry_id AND e.entry_date <= :through
  WHERE b.org_id = :org AND b.id = :bank"""
_UNPOSTED: Final = """SELECT p.payment_date, CASE WHEN p.functional_currency = b.currency_code THEN p.functional_amount_minor
         WHEN p.currency_code = b.currency_code THEN p.amount_minor ELSE 0 END AS minor
  FROM payments p JOIN reconciliation_payments rp ON rp.org_id = p.org_id AND rp.payment_id = p.id
  JOIN bank_accounts b ON b.org_id = p.org_id AND b.id = p.bank_account_id
  WHERE p.org_id = :org AND rp.reconciliation_id = :recon AND NOT p.posted AND p.reversed_at IS NULL"""


def book_balance(tx: Tx, r: Reconciliation) -> int:
    """The ledger's balance of the bank account through the reconciliation's date, with its unposted receipts as they
    would be booked (a receipt of a closed month belongs to the next open one).

    In the account's own currency: where that is the entity's functional currency, the functional amounts (so foreign
    receipts count at their rate), else the lines in the account's currency.
    """
    (posted,), unposted, (books,) = tx.batch(
        (_POSTED, {"bank": r.bank_account_id, "through": r.through_date}),
        (_UNPOSTED, {"recon": r.id}),
        (f"SELECT {CLOSED} AS closed", {}),
    )
    return int(posted["minor"]) + sum(
        int(p["minor"]) for p in unposted if entry_date(p["payment_date"], books["closed"]) <= r.through_date
    )


def answer_of(tx: Tx, found: ReconciledPayments) -> ReconciliationAnswer:
    """The reconciliation beside what the books say now."""
    balance = book_balance(tx, found.reconciliation)
    return reconciliation_answer(found.reconciliation, found.currency_code, found.payment_ids, balance)
