"""Bank reconciliation: drafted, completed, reopened by a controller. A completed one guards its payments' reversal."""

from models.cash.book_answers import ReconciliationAnswer
from models.cash.records import BankedPayment, Reconciliation, ReconciliationStatus
from models.cash.requests import DraftReconciliationOf, ReopenReconciliation
from models.db import lookups
from models.db.cash import reconciliations
from models.db.cash.reconciliations import ReconciledPayments
from models.errors import Refusal
from models.money import spelt
from models.values import Empty
from operations import execution
from operations.cash.payments import post_receipt
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark


@operation("draft_reconciliation", DraftReconciliationOf, ReconciliationAnswer, execution.Posting("ReconcileBank"))
def draft_reconciliation(work: Work, asked: DraftReconciliationOf) -> Outcome[ReconciliationAnswer]:
    """Name the payments that the bank shows through a date."""
    bank = lookups.bank_account(work.tx, asked.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    banked = {b.payment.id: b for b in reconciliations.banked(work.tx, asked.payment_ids)}
    for payment_id in asked.payment_ids:
        if payment_id not in banked:
            lookups.refuse_missing(work.tx, "payment", payment_id)
    for b in banked.values():
        _refuse_state(b)
    for b in banked.values():
        _refuse_place(b, asked)
    recon = Reconciliation(
        id=str(work.cmd.resource_id),
        bank_account_id=bank.id,
        through_date=asked.through_date,
        statement_balance_minor=asked.statement_balance_minor,
        created_at=work.now,
        created_by=work.cmd.actor,
    )
    reconciliations.draft(work.tx, recon, asked.payment_ids)
    work.audit(recon.id, "reconciliation.drafted", {"after": asked.model_dump(mode="json")})
    return _current(work, recon.id, 201)


@operation("complete_reconciliation", Empty, ReconciliationAnswer, execution.Posting("ReconcileBank"))
def complete_reconciliation(work: Work, _: Empty) -> Outcome[ReconciliationAnswer]:
    """Complete: receipts that are in the bank but not yet in the books are posted first."""
    found = _locked(work)
    recon = found.reconciliation
    if recon.status is ReconciliationStatus.COMPLETED:
        raise Refusal("RECONCILIATION_COMPLETE", f"Reconciliation {recon.id} is complete already.")
    banked = reconciliations.banked(work.tx, found.payment_ids, lock=True)
    for b in banked:
        _refuse_state(b)
    balance = _agreed_balance(work, found)
    for b in banked:
        if not b.payment.posted:
            entry = post_receipt(work, b.held)
            work.audit(b.payment.id, "payment.receipt_posted", {"because": recon.id, "entries": entry_mark(entry)})
    reconciliations.complete(work.tx, recon.id, who=work.cmd.actor)
    work.audit(
        recon.id, "reconciliation.completed",
        {
            "payments": [b.payment.id for b in banked], "book_balance_minor": balance,
            "statement_balance_minor": recon.statement_balance_minor,
        },
    )  # fmt: skip
    work.flush()  # so that the balance below already holds the receipts
    return _current(work, recon.id)


@operation("reopen_reconciliation", ReopenReconciliation, ReconciliationAnswer, execution.Posting("ReconcileBank"))
def reopen_reconciliation(work: Work, asked: ReopenReconciliation) -> Outcome[ReconciliationAnswer]:
    """A controller takes a completed reconciliation up again; its payments can then be reversed."""
    recon = _locked(work).reconciliation
    if recon.status is not ReconciliationStatus.COMPLETED:
        raise Refusal("RECONCILIATION_NOT_COMPLETE", f"Reconciliation {recon.id} is {recon.status}.")
    reconciliations.reopen(work.tx, recon.id, who=work.cmd.actor, reason=asked.reason_code)
    changed = {"before": "COMPLETED", "after": "REOPENED", "note": asked.note}
    work.audit(recon.id, "reconciliation.reopened", changed, reason_code=asked.reason_code)
    return _current(work, recon.id)


def _locked(work: Work) -> ReconciledPayments:
    found = reconciliations.get(work.tx, str(work.cmd.resource_id), lock=True)
    bank = lookups.bank_account(work.tx, found.reconciliation.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    return found


def _agreed_balance(work: Work, found: ReconciledPayments) -> int:
    """What the books say; 422 RECONCILIATION_DIFFERENCE where the statement says otherwise."""
    recon = found.reconciliation
    balance = reconciliations.book_balance(work.tx, recon)
    stated, difference = recon.statement_balance_minor, recon.difference_minor(balance)
    if difference and stated is not None:
        statement, books, apart = (spelt(minor, found.currency_code) for minor in (stated, balance, difference))
        raise Refusal(
            "RECONCILIATION_DIFFERENCE",
            f"The statement says {statement}, the books say {books}: difference {apart}.",
            statement_balance_minor=stated,
            book_balance_minor=balance,
            difference_minor=difference,
        )
    return balance


def _refuse_state(b: BankedPayment) -> None:
    p = b.payment
    if p.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p.id} is reversed.", payment_id=p.id)
    if b.completed_in:
        raise Refusal(
            "RECONCILIATION_COMPLETE", f"Payment {p.id} is part of completed reconciliation {b.completed_in}."
        )


def _refuse_place(b: BankedPayment, asked: DraftReconciliationOf) -> None:
    p, bank_id, through = b.payment, asked.bank_account_id, asked.through_date
    if p.bank_account_id != bank_id:
        raise Refusal("BANK_ACCOUNT_MISMATCH", f"Payment {p.id} is on {p.bank_account_id}, not on {bank_id}.")
    if p.payment_date > through:
        raise Refusal("PAYMENT_AFTER_THROUGH_DATE", f"Payment {p.id} is dated {p.payment_date}, after {through}.")


def _current(work: Work, recon_id: str, status: int = 200) -> Outcome[ReconciliationAnswer]:
    return Outcome(reconciliations.answer_of(work.tx, reconciliations.get(work.tx, recon_id)), status)
