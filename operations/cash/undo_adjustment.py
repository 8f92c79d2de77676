"""Undoing one adjustment: the invoice owes again what was given instead of money."""

from dataclasses import replace

from models.cash.ledger import Account, JournalEntry
from models.cash.periods import entry_date
from models.cash.requests import UndoAdjustment
from models.cash.undo_answers import AdjustmentUndoneAnswer, adjustment_undone_answer
from models.db.cash import adjustments, payments
from models.errors import Refusal
from models.facts import Facts
from models.ids import new_id
from operations import execution
from operations.cash.restored import day_of_undoing, reliefs, restore_invoices
from operations.cash.session_adjustments import audit_undone, credit_adjustments
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark


@operation("undo_adjustment", UndoAdjustment, AdjustmentUndoneAnswer, execution.Posting("UndoAdjustment"))
def undo_adjustment(work: Work, asked: UndoAdjustment) -> Outcome[AdjustmentUndoneAnswer]:
    """Undo one adjustment and leave its application as it is: DR accounts_receivable, CR what had been debited."""
    seen = adjustments.get(work.tx, str(work.cmd.resource_id))
    held = payments.lock(work.tx, seen.payment_id)
    work.require_entity(seen.legal_entity_id)
    a = adjustments.get(work.tx, seen.id)  # again, now that the payment is locked
    if held.payment.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {a.payment_id} is reversed.")
    if a.undone_at is not None:
        raise Refusal("ADJUSTMENT_UNDONE", f"Adjustment {a.id} was undone on {a.undone_date}.")
    effective = day_of_undoing(work, "effective_date", asked.effective_date, held.payment.payment_date)
    invoices = payments.lock_invoices(work.tx, [a.invoice_id])
    day = entry_date(effective, held.closed_periods)
    entry = JournalEntry(new_id("je"), day, "unapply", a.payment_id, a.legal_entity_id, a.functional_currency)
    tags = {"customer_id": a.customer_id, "invoice_id": a.invoice_id}
    entry.debit(Account.ACCOUNTS_RECEIVABLE, a.amount_minor, a.currency_code, a.functional_minor, **tags)
    credit_adjustments(entry, [a])
    work.post(entry)
    adjustments.undo(work.tx, [a], on=effective, entry_date=day, reason=asked.reason_code)
    balances = restore_invoices(work, reliefs([], [a]), invoices)
    undone = replace(
        a,
        undone_at=work.now,
        undone_date=max(effective, a.effective_date),
        undone_entry_date=day,
        undo_reason=asked.reason_code,
    )
    about: Facts = {"adjustment_id": a.id, "invoice_id": a.invoice_id, "kind": a.kind, "amount_minor": a.amount_minor}
    said: Facts = {**about, "effective_date": effective, "note": asked.note, "entries": entry_mark(entry)}
    work.audit(a.payment_id, "payment.adjustment_undone", said, reason_code=asked.reason_code)
    before = invoices[a.invoice_id].balance_due_minor
    moved: Facts = {"before": {"balance_due_minor": before}, "after": {"balance_due_minor": before + a.amount_minor}}
    work.audit(a.invoice_id, "invoice.adjustment_undone", {**about, **moved}, reason_code=asked.reason_code)
    audit_undone(work, [a], asked.reason_code)
    work.emit(
        "ar.adjustment.undone", a.id,
        {**about, "payment_id": a.payment_id, "customer_id": a.customer_id, "reason_code": asked.reason_code,
         "effective_date": effective},
    )  # fmt: skip
    owed = payments.outstanding(work.tx, a.customer_id)
    return Outcome(adjustment_undone_answer(undone, entry.id, balances, owed))
