"""Undoing: one application (unapply), or the whole payment (reverse). Entries are reversed by entries, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from models.cash.adjustments import Adjustment, by_application
from models.cash.answers import (
    InvoiceBalanceAnswer,
    ReversalAnswer,
    UnapplicationAnswer,
    payment_answer,
    reversal_answer,
)
from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.periods import entry_date
from models.cash.records import Invoice, LockedPayment, Payment, PaymentApplication
from models.cash.requests import ReversePayment, UnapplyApplication
from models.cash.undo_answers import unapplication_answer
from models.db.cash import adjustments, credit_notes, deductions, payments, sessions
from models.db.cash.journal import entries_of
from models.errors import Refusal
from models.ids import new_id
from operations import execution
from operations.cash.deductions import UNDONE, withdraw_all
from operations.cash.netting import audit_restored, record_undoing
from operations.cash.payments import applied_so_far, resolve_unmatched
from operations.cash.restored import day_of_undoing, reliefs, restore_invoices
from operations.cash.session_adjustments import audit_undone, credit_adjustments
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark


@operation("unapply_application", UnapplyApplication, UnapplicationAnswer, execution.Posting("UnapplyApplication"))
def unapply_application(work: Work, asked: UnapplyApplication) -> Outcome[UnapplicationAnswer]:
    """Undo one application: DR accounts_receivable CR unapplied_cash. Never blocked by a reconciliation."""
    seen = sessions.get_application(work.tx, str(work.cmd.resource_id))
    held = payments.lock(work.tx, seen.payment_id)
    p = held.payment
    work.require_entity(p.legal_entity_id)
    a = sessions.get_application(work.tx, seen.id)  # again, now that the payment is locked
    if p.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p.id} is reversed.")
    if a.unapplied_at is not None:
        raise Refusal("APPLICATION_UNAPPLIED", f"Application {a.id} was undone on {a.undone_date}.")
    effective = day_of_undoing(work, "effective_date", asked.effective_date, p.payment_date)
    invoices = payments.lock_invoices(work.tx, [a.invoice_id])
    beside = adjustments.live_of_application(work.tx, a.id)
    entry = _unapply_entry(p, a, beside, entry_date(effective, held.closed_periods))
    work.post(entry)
    sessions.undo(work.tx, [a], on=effective, entry_date=entry.entry_date, reason=asked.reason_code)
    adjustments.undo(work.tx, beside, on=effective, entry_date=entry.entry_date, reason=asked.reason_code)
    balances = restore_invoices(work, reliefs([a], beside), invoices)
    if invoices[a.invoice_id].deducted_minor:
        withdraw_all(work, deductions.open_of_session(work.tx, a.session_id, a.invoice_id), UNDONE)
    after = replace(
        p,
        applied_minor=p.applied_minor - a.applied_minor,
        functional_available_minor=p.functional_available_minor + a.functional_cash_minor,
    )
    payments.unapply(work.tx, after)
    sessions.follow_unapplied(work.tx, after)
    work.audit(
        p.id, "payment.unapplied",
        {"application_id": a.id, "invoice_id": a.invoice_id, "applied_minor": a.applied_minor,
         "effective_date": effective, "note": asked.note, "entries": entry_mark(entry),
         "before": applied_so_far(p), "after": applied_so_far(after)},
        reason_code=asked.reason_code,
    )  # fmt: skip
    _audit_invoices(work, [a], beside, invoices, "invoice.payment_unapplied", asked.reason_code)
    audit_undone(work, beside, asked.reason_code)
    work.emit(
        "ar.payment.unapplied", p.id,
        {"payment_id": p.id, "application_id": a.id, "invoice_id": a.invoice_id, "reason_code": asked.reason_code,
         "effective_date": effective},
    )  # fmt: skip
    owed = payments.outstanding(work.tx, p.customer_id)
    return Outcome(unapplication_answer(a, after, entry.id, effective, work.now, beside, balances, owed))


@operation("reverse_payment", ReversePayment, ReversalAnswer, execution.Posting("ReversePayment"))
def reverse_payment(work: Work, asked: ReversePayment) -> Outcome[ReversalAnswer]:
    """Reverse a payment: everything it did is undone, and the reversal is the end of it."""
    held = payments.lock(work.tx, str(work.cmd.resource_id))
    work.require_entity(held.payment.legal_entity_id)
    entry, balances = withdraw(work, held, asked)
    now = payments.get(work.tx, held.payment.id)
    answer = payment_answer(now.payment, now.applications, now.bank_texts, now.adjustments)
    return Outcome(reversal_answer(answer, entry.id if entry else None, balances))


def withdraw(
    work: Work, held: LockedPayment, asked: ReversePayment
) -> tuple[JournalEntry | None, list[InvoiceBalanceAnswer]]:
    """Undo everything that a locked payment did; its reversing entry, and the invoices as they are then. Refusals
    PAYMENT_REVERSED, RECONCILIATION_COMPLETE, DATE_BEFORE_PAYMENT."""
    p = held.payment
    applications = sessions.lock_live_applications(work.tx, p.id)
    beside = adjustments.live_of_payment(work.tx, p.id)
    credited = credit_notes.live_of_payment(work.tx, p.id)
    notes = credit_notes.lock_notes(work.tx, [a.credit_note_id for a in credited])
    stated = deductions.invoices_of_payment(work.tx, p.id)
    wanted = [*(a.invoice_id for a in applications), *(a.invoice_id for a in credited), *stated]
    invoices = payments.lock_invoices(work.tx, wanted)
    _refuse_reversal(work, p)
    effective = day_of_undoing(work, "reversal_date", asked.reversal_date, p.payment_date)
    entry = _reversing_entry(work, p, entry_date(effective, held.closed_periods))
    undone_in = entry.entry_date if entry else effective
    sessions.undo(work.tx, applications, on=effective, entry_date=undone_in, reason=asked.reason_code)
    adjustments.undo(work.tx, beside, on=effective, entry_date=undone_in, reason=asked.reason_code)
    record_undoing(work, credited, notes, effective, undone_in, asked.reason_code)
    balances = restore_invoices(work, reliefs(applications, beside, credited), invoices)
    if stated:
        withdraw_all(work, deductions.open_of_payment(work.tx, p.id), UNDONE)
    payments.mark_reversed(work.tx, p.id, on=effective, reason=asked.reason_code, note=asked.note)
    work.audit(
        p.id, "payment.reversed",
        {"before": applied_so_far(p), "after": {"status": "REVERSED"}, "reversal_date": effective, "note": asked.note,
         "applications": [a.id for a in applications], "entries": entry_mark(entry) if entry else []},
        reason_code=asked.reason_code,
    )  # fmt: skip
    running = _audit_invoices(work, applications, beside, invoices, "invoice.payment_reversed", asked.reason_code)
    audit_restored(work, credited, running, "invoice.credit_note_unapplied", asked.reason_code)
    audit_undone(work, beside, asked.reason_code)
    resolve_unmatched(work, p, "REVERSED")
    work.emit(
        "ar.payment.reversed", p.id,
        {"payment_id": p.id, "customer_id": p.customer_id, "reason_code": asked.reason_code,
         "reversal_date": effective, "journal_entry_id": entry.id if entry else None},
    )  # fmt: skip
    return entry, balances


def _refuse_reversal(work: Work, p: Payment) -> None:
    """409 for a payment that is reversed, or part of a completed bank reconciliation."""
    if p.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p.id} was reversed on {p.reversal_date}.")
    reconciliation = payments.completed_reconciliation(work.tx, p.id)
    if reconciliation is not None:
        raise Refusal(
            "RECONCILIATION_COMPLETE",
            f"The payment is part of completed bank reconciliation {reconciliation}. A controller can reopen it: "
            f"POST /v1/reconciliations/{reconciliation}/reopen {{reason_code}}.",
            reconciliation_id=reconciliation,
        )


def _unapply_entry(p: Payment, a: PaymentApplication, beside: Sequence[Adjustment], day: date) -> JournalEntry:
    entry = JournalEntry(new_id("je"), day, "unapply", p.id, p.legal_entity_id, p.functional_currency)
    restored = reliefs([a], beside)
    entry.debit(
        Account.ACCOUNTS_RECEIVABLE, sum(r.minor for r in restored), a.invoice_currency_code,
        sum(r.functional_minor for r in restored), customer_id=a.customer_id, invoice_id=a.invoice_id,
    )  # fmt: skip
    credit_adjustments(entry, beside)
    entry.credit(
        Account.UNAPPLIED_CASH, a.applied_minor, a.currency_code, a.functional_cash_minor, customer_id=p.customer_id
    )
    entry.settle_fx()
    return entry


def _reversing_entry(work: Work, p: Payment, day: date) -> JournalEntry | None:
    """The opposite of the net of every entry made for the payment; None where none was made."""
    entry = JournalEntry(new_id("je"), day, "reversal", p.id, p.legal_entity_id, p.functional_currency)
    reversing(entries_of(work.tx, p.id), entry)
    if not entry.lines:
        return None
    work.post(entry)
    return entry


def _audit_invoices(
    work: Work, applications: Sequence[PaymentApplication], undone: Sequence[Adjustment], invoices: Mapping[str, Invoice],
    action: str, reason: str,
) -> Mapping[str, int]:  # fmt: skip
    """The trail of invoices that are owed again; their balances afterwards."""
    running = {i: invoice.balance_due_minor for i, invoice in invoices.items()}
    by_its = by_application(undone)
    for a in applications:
        before, beside = running[a.invoice_id], by_its.get(a.id, ())
        running[a.invoice_id] = before + sum(r.minor for r in reliefs([a], beside))
        said = {"adjustments": [x.id for x in beside]} if beside else {}
        work.audit(
            a.invoice_id, action,
            {"payment_id": a.payment_id, "application_id": a.id, **said, "before": {"balance_due_minor": before},
             "after": {"balance_due_minor": running[a.invoice_id]}},
            reason_code=reason,
        )  # fmt: skip
    return running
