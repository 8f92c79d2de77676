"""Credit notes settling invoices, alone or in a payment's session: decided, written, told. One home for both."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from models.cash.allocation import OpenInvoice
from models.cash.credit_notes import (
    CreditLine,
    CreditNote,
    CreditNoteApplication,
    Netting,
    check_notes,
    check_pairs,
    net,
)
from models.cash.ledger import Account, JournalEntry
from models.db.cash import credit_notes
from models.facts import Facts
from models.ids import new_id
from operations.work import Work, entry_mark


def netted(
    work: Work, lines: Sequence[CreditLine], notes: Mapping[str, CreditNote], invoices: Mapping[str, OpenInvoice]
) -> Netting:
    """The lines settled, or refused; more than there is on either side is left for `refuse_excess`, in its turn."""
    for note in notes.values():
        work.require_entity(note.legal_entity_id)
    check_notes(notes.values())
    check_pairs(lines, notes, invoices)
    return net(lines, notes, invoices)


def credit_rows(
    work: Work, netting: Netting, day: date, *, entry_id: str | None, payment_id: str | None = None,
    session_id: str | None = None, external_id: str | None = None,
) -> list[CreditNoteApplication]:  # fmt: skip
    """What the notes settled, a record per line. `entry_id`: of the entry that has the lines' exchange differences."""
    return [
        CreditNoteApplication(
            id=new_id("cnapp"),
            credit_note_id=p.note.id,
            invoice_id=p.invoice.id,
            customer_id=p.note.customer_id,
            legal_entity_id=p.note.legal_entity_id,
            payment_id=payment_id,
            session_id=session_id,
            external_id=external_id,
            command_id=work.cmd.id,
            line_no=n,
            applied_minor=p.line.applied_minor,
            currency_code=p.note.currency_code,
            functional_credit_minor=p.functional_credit_minor,
            functional_relief_minor=p.functional_relief_minor,
            functional_currency=p.note.functional_currency,
            journal_entry_id=entry_id,
            effective_date=p.effective_date,
            entry_date=day,
            created_at=work.now,
            created_by=work.cmd.actor,
        )
        for n, p in enumerate(netting.lines, 1)
    ]


def credit_exchange(entry: JournalEntry, applications: Iterable[CreditNoteApplication]) -> None:
    """Where invoice and note are carried at different rates, receivables lose the difference; the other side is fx_gain_loss."""
    for a in applications:
        _exchange(entry, a, a.exchange_minor)


def debit_exchange(entry: JournalEntry, applications: Iterable[CreditNoteApplication]) -> None:
    """The opposite, where it is undone."""
    for a in applications:
        _exchange(entry, a, -a.exchange_minor)


def _exchange(entry: JournalEntry, a: CreditNoteApplication, lost: int) -> None:
    tags = {"customer_id": a.customer_id, "invoice_id": a.invoice_id}
    if lost > 0:
        entry.credit(Account.ACCOUNTS_RECEIVABLE, 0, a.currency_code, lost, **tags)
    else:
        entry.debit(Account.ACCOUNTS_RECEIVABLE, 0, a.currency_code, -lost, **tags)


def record_netting(
    work: Work, netting: Netting, before: Mapping[str, CreditNote], applications: Sequence[CreditNoteApplication],
    entry: JournalEntry | None,
) -> None:  # fmt: skip
    """Write what was settled, and tell it in the trail of each note and invoice, and of each note outside. `entry`: what was
    posted for it alone; the entry of a payment's session is the payment's to tell."""
    work.add("credit_note_applications", applications)
    touched = {a.credit_note_id for a in applications}
    credit_notes.move(work.tx, [n for n in netting.notes.values() if n.id in touched])
    for note_id in sorted(touched):
        mine = [a for a in applications if a.credit_note_id == note_id]
        old, new = before[note_id], netting.notes[note_id]
        facts = [_application_facts(a) for a in mine]
        work.audit(
            note_id, "credit_note.applied",
            {"applications": facts, "entries": entry_mark(entry) if entry else [], "before": _balance_facts(old),
             "after": _balance_facts(new)},
        )  # fmt: skip
        work.emit(
            "credit_note.applied", note_id,
            {"credit_note_id": note_id, "customer_id": new.customer_id, "balance_minor": new.balance_minor,
             "journal_entry_id": entry.id if entry else None, "applications": facts},
        )  # fmt: skip
    for p, a in zip(netting.lines, applications, strict=True):
        due = p.invoice.balance_minor
        work.audit(
            a.invoice_id, "invoice.credit_note_applied",
            {"credit_note_id": a.credit_note_id, "application_id": a.id, "before": {"balance_due_minor": due},
             "after": {"balance_due_minor": due - a.applied_minor}},
        )  # fmt: skip


def record_undoing(
    work: Work, undone: Sequence[CreditNoteApplication], notes: Mapping[str, CreditNote], on: date, day: date, reason: str,
    entry: JournalEntry | None = None,
) -> Mapping[str, CreditNote]:  # fmt: skip
    """Give locked notes back what they had settled, and tell it; the notes as they are then. What the invoices get back is
    restored by whoever undoes it."""
    credit_notes.undo(work.tx, undone, on=on, entry_date=day, reason=reason)
    after = given_back(undone, notes)
    credit_notes.move(work.tx, after.values())
    for a in undone:
        facts = {**_application_facts(a), "effective_date": max(on, a.effective_date)}
        work.audit(
            a.credit_note_id, "credit_note.unapplied",
            {**facts, "after": _balance_facts(after[a.credit_note_id]), "entries": entry_mark(entry) if entry else []},
            reason_code=reason,
        )  # fmt: skip
        work.emit(
            "credit_note.unapplied", a.credit_note_id,
            {"credit_note_id": a.credit_note_id, "customer_id": a.customer_id, **facts, "reason_code": reason},
        )  # fmt: skip
    return after


def given_back(
    undone: Collection[CreditNoteApplication], notes: Mapping[str, CreditNote]
) -> Mapping[str, CreditNote]:  # fmt: skip
    """The notes with what they had settled."""
    after = dict(notes)
    for a in undone:
        after[a.credit_note_id] = after[a.credit_note_id].holding(a.applied_minor, a.functional_credit_minor)
    return after


def _application_facts(a: CreditNoteApplication) -> Facts:
    return {
        "application_id": a.id, "invoice_id": a.invoice_id, "applied_minor": a.applied_minor,
        "currency_code": a.currency_code, "payment_id": a.payment_id,
    }  # fmt: skip


def _balance_facts(n: CreditNote) -> Facts:
    return {"status": n.status, "balance_minor": n.balance_minor}


def audit_restored(
    work: Work, undone: Sequence[CreditNoteApplication], balances: Mapping[str, int], action: str, reason: str
) -> None:
    """The trail of invoices that notes no longer settle; `balances`: as they were before."""
    running = dict(balances)
    for a in undone:
        before = running[a.invoice_id]
        running[a.invoice_id] = before + a.applied_minor
        work.audit(
            a.invoice_id, action,
            {"credit_note_id": a.credit_note_id, "application_id": a.id, "before": {"balance_due_minor": before},
             "after": {"balance_due_minor": running[a.invoice_id]}},
            reason_code=reason,
        )  # fmt: skip
