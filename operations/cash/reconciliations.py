"""Bank reconciliation: drafted, completed, reopened by a controller. A completed one guards its payments' reversal."""

from datetime import date
from typing import Any

from models.answers import read_row
from models.cash.records import LockedPayment, Payment
from models.db import lookups
from models.db.cash.payments import CLOSED
from models.db.cash.reconciliations import book_balance, payments_of, reconciliation_body
from models.db.tx import Row
from models.errors import Refusal
from models.master_data import BankAccount
from operations import carried
from operations.cash.payments import post_receipt
from operations.runner import untyped_operation
from operations.work import Outcome, Work, entry_mark

_LOCK = "SELECT * FROM reconciliations WHERE org_id = :org AND id = :id FOR UPDATE"


@untyped_operation("draft_reconciliation", carried.Posting("ReconcileBank"))
def draft_reconciliation(work: Work) -> Outcome[Any]:
    """Name the payments that the bank shows through a date."""
    b = work.cmd.body
    bank = lookups.bank_account(work.tx, b["bank_account_id"])
    work.require_entity(bank.legal_entity_id)
    rows = {r["id"]: r for r in _payments(work, b["payment_ids"])}
    for payment_id in b["payment_ids"]:
        if payment_id not in rows:
            lookups.refuse_missing(work.tx, "payment", payment_id)
    through = date.fromisoformat(b["through_date"])
    for p in rows.values():
        _refuse_state(p)
        if p["completed_in"]:
            raise Refusal(
                "RECONCILIATION_COMPLETE", f"Payment {p['id']} is part of completed reconciliation {p['completed_in']}."
            )
    for p in rows.values():
        if p["bank_account_id"] != bank.id:
            raise Refusal("BANK_ACCOUNT_MISMATCH", f"Payment {p['id']} is on {p['bank_account_id']}, not on {bank.id}.")
        if p["payment_date"] > through:
            raise Refusal(
                "PAYMENT_AFTER_THROUGH_DATE", f"Payment {p['id']} is dated {p['payment_date']}, after {through}."
            )
    recon: dict[str, Any] = {
        "id": str(work.cmd.resource_id),
        "bank_account_id": bank.id,
        "through_date": through,
        "statement_balance_minor": b.get("statement_balance_minor"),
        "status": "DRAFT",
        "created_at": work.now,
        "created_by": work.cmd.actor,
    }
    work.tx.insert("reconciliations", [recon])
    work.tx.insert(
        "reconciliation_payments", [{"reconciliation_id": recon["id"], "payment_id": i} for i in b["payment_ids"]]
    )
    work.audit(recon["id"], "reconciliation.drafted", {"after": b})
    return Outcome(_body(work, recon["id"], bank), 201)


@untyped_operation("complete_reconciliation", carried.Posting("ReconcileBank"))
def complete_reconciliation(work: Work) -> Outcome[Any]:
    """Complete: receipts that are in the bank but not yet in the books are posted first."""
    recon, bank = _locked(work)
    if recon["status"] == "COMPLETED":
        raise Refusal("RECONCILIATION_COMPLETE", f"Reconciliation {recon['id']} is complete already.")
    rows = _payments(work, [r["payment_id"] for r in payments_of(work.tx, recon["id"])], lock=True)
    for p in rows:
        _refuse_state(p)
        if p["completed_in"]:
            raise Refusal(
                "RECONCILIATION_COMPLETE", f"Payment {p['id']} is part of completed reconciliation {p['completed_in']}."
            )
    balance = book_balance(work.tx, bank.id, recon["through_date"], recon["id"])
    stated = recon["statement_balance_minor"]
    if stated is not None and stated != balance:
        raise Refusal(
            "RECONCILIATION_DIFFERENCE",
            f"The statement says {stated}, the books say {balance}: difference {stated - balance}.",
            statement_balance_minor=stated,
            book_balance_minor=balance,
            difference_minor=stated - balance,
        )
    entries = [
        post_receipt(work, LockedPayment(read_row(Payment, p), frozenset(p["closed_periods"]), None))
        for p in rows
        if not p["posted"]
    ]
    for e in entries:
        work.audit(e.source_id, "payment.receipt_posted", {"because": recon["id"], "entries": entry_mark(e)})
    _move(work, recon, "COMPLETED", "completed")
    said = {"payments": [p["id"] for p in rows], "book_balance_minor": balance, "statement_balance_minor": stated}
    work.audit(recon["id"], "reconciliation.completed", said)
    work.flush()  # so that the balance below already holds the receipts
    return Outcome(_body(work, recon["id"], bank))


@untyped_operation("reopen_reconciliation", carried.Posting("ReconcileBank"))
def reopen_reconciliation(work: Work) -> Outcome[Any]:
    """A controller takes a completed reconciliation up again; its payments can then be reversed."""
    recon, bank = _locked(work)
    if recon["status"] != "COMPLETED":
        raise Refusal("RECONCILIATION_NOT_COMPLETE", f"Reconciliation {recon['id']} is {recon['status']}.")
    reason = work.cmd.body["reason_code"]
    _move(work, recon, "REOPENED", "reopened")
    work.tx.later(
        "UPDATE reconciliations SET reopen_reason = :r WHERE org_id = :org AND id = :id", r=reason, id=recon["id"]
    )
    said = {"before": "COMPLETED", "after": "REOPENED", "note": work.cmd.body.get("note")}
    work.audit(recon["id"], "reconciliation.reopened", said, reason_code=reason)
    return Outcome(_body(work, recon["id"], bank))


def _locked(work: Work) -> tuple[Row, BankAccount]:
    recon = lookups.find(work.tx, "reconciliation", _LOCK, str(work.cmd.resource_id))
    bank = lookups.bank_account(work.tx, recon["bank_account_id"])
    work.require_entity(bank.legal_entity_id)
    return recon, bank


def _payments(work: Work, ids: list[str], *, lock: bool = False) -> list[Row]:
    if lock:  # before they are read: another reconciliation may be completing with the same payment
        work.tx.later("SELECT 1 FROM payments WHERE org_id = :org AND id = ANY(:ids) ORDER BY id FOR UPDATE", ids=ids)
    return list(
        work.tx.all(
            f"""SELECT p.*, {CLOSED} AS closed_periods, (SELECT r.id FROM reconciliation_payments rp
                  JOIN reconciliations r ON r.org_id = rp.org_id AND r.id = rp.reconciliation_id
                  WHERE rp.org_id = p.org_id AND rp.payment_id = p.id AND r.status = 'COMPLETED' LIMIT 1) AS completed_in
                FROM payments p WHERE p.org_id = :org AND p.id = ANY(:ids) ORDER BY p.id""",
            ids=ids,
        )
    )


def _refuse_state(p: Row) -> None:
    if p["reversed_at"] is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p['id']} is reversed.", payment_id=p["id"])


def _move(work: Work, recon: Row, status: str, stamp: str) -> None:
    work.tx.later(
        f"UPDATE reconciliations SET status = :s, {stamp}_at = :at, {stamp}_by = :who WHERE org_id = :org AND id = :id",
        s=status,
        at=work.now,
        who=work.cmd.actor,
        id=recon["id"],
    )


def _body(work: Work, recon_id: str, bank: BankAccount) -> dict[str, Any]:
    row = lookups.find(
        work.tx, "reconciliation", "SELECT * FROM reconciliations WHERE org_id = :org AND id = :id", recon_id
    )
    return reconciliation_body(work.tx, row, bank.id, bank.currency_code)
