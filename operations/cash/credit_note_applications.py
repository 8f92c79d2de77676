"""A credit note settling invoices by itself, and undoing that; in a payment's session: operations.cash.applications."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from models.cash.credit_note_answers import (
    CreditNoteAppliedAnswer,
    CreditNoteUnappliedAnswer,
    credit_note_applied_answer,
)
from models.cash.credit_note_requests import ApplyCreditNote, UnapplyCreditNote
from models.cash.credit_notes import CreditLine, CreditNote, CreditNoteApplication, refuse_excess
from models.cash.ledger import JournalEntry
from models.cash.periods import entry_date
from models.cash.records import Invoice
from models.db.cash import credit_notes, payments, sessions
from models.db.cash.payments import BalanceChange
from models.errors import Refusal
from models.ids import new_id
from operations import execution
from operations.cash import deductions
from operations.cash.applications import open_invoice
from operations.cash.netting import (
    audit_restored,
    credit_exchange,
    credit_rows,
    debit_exchange,
    netted,
    record_netting,
    record_undoing,
)
from operations.cash.restored import reliefs, restore_invoices
from operations.external_ids import conflict
from operations.runner import operation
from operations.work import Outcome, Work


@dataclass(frozen=True, slots=True)
class Settled:
    """A note once it has settled an invoice, by which applications, and what that leaves of the invoice."""

    note: CreditNote
    applications: Sequence[CreditNoteApplication]
    changes: Sequence[BalanceChange]


def settle_with(work: Work, note: CreditNote, invoice: Invoice, closed: Collection[str]) -> Settled:
    """Settle a locked invoice with a whole new note, which its caller writes: as applying it would."""
    lines = [CreditLine(note.id, invoice.id, note.total_minor)]
    netting = netted(work, lines, {note.id: note}, {invoice.id: open_invoice(invoice)})
    refuse_excess(netting)
    entry = _exchange_entry(note, netting.lines[0].effective_date, closed)
    rows = credit_rows(work, netting, entry.entry_date, entry_id=entry.id if netting.has_exchange else None)
    credit_exchange(entry, rows)
    record_netting(work, netting, {note.id: note}, rows, _posted(work, entry))
    after = netting.invoices[invoice.id]
    changes = [BalanceChange(after.id, after.balance_minor, after.functional_balance_minor)]
    payments.move_balances(work.tx, changes)
    return Settled(netting.notes[note.id], rows, changes)


@operation("apply_credit_note", ApplyCreditNote, CreditNoteAppliedAnswer, execution.Posting("ApplyCreditNote"))
def apply_credit_note(work: Work, asked: ApplyCreditNote) -> Outcome[CreditNoteAppliedAnswer]:
    """A note settles invoices: no entry, but for what exchange has won or lost between the two."""
    note_id = str(work.cmd.resource_id)
    earlier = _by_external_id(work, asked, note_id)
    if earlier is not None:
        return earlier
    wanted = [x.invoice_id for x in asked.applications]
    locked = credit_notes.lock(work.tx, [note_id], wanted)
    note = locked.notes[note_id]
    work.require_entity(note.legal_entity_id)
    again = _by_external_id(work, asked, note_id) or _same_as_latest(work, asked, note)
    if again is not None:
        return again
    invoices = payments.require_all(work.tx, wanted, locked.invoices)
    for invoice in invoices.values():
        work.require_entity(invoice.legal_entity_id)
    lines = [CreditLine(note_id, x.invoice_id, x.applied_minor) for x in asked.applications]
    netting = netted(work, lines, locked.notes, {i: open_invoice(one) for i, one in invoices.items()})
    refuse_excess(netting)
    entry = _exchange_entry(note, max(p.effective_date for p in netting.lines), locked.closed_periods)
    entry_id = entry.id if netting.has_exchange else None
    rows = credit_rows(work, netting, entry.entry_date, entry_id=entry_id, external_id=asked.external_id)
    credit_exchange(entry, rows)
    posted = _posted(work, entry)
    record_netting(work, netting, locked.notes, rows, posted)
    changes = [
        BalanceChange(i.id, i.balance_minor, i.functional_balance_minor)
        for i in (netting.invoices[x.invoice_id] for x in asked.applications)
    ]
    payments.move_balances(work.tx, changes)
    deductions.withdraw_settled(work, invoices, changes)
    answer = credit_note_applied_answer(
        netting.notes[note_id],
        rows,
        payments.balances_after(invoices, changes),
        payments.outstanding(work.tx, note.customer_id),
        posted if work.dry_run else None,
    )
    return Outcome(answer)


def _exchange_entry(note: CreditNote, wanted: date, closed: Collection[str], source: str | None = None) -> JournalEntry:
    """An entry of what exchange has won or lost; without lines as yet."""
    day = entry_date(wanted, closed)
    source_id = source or note.id
    return JournalEntry(
        new_id("je"), day, "credit_note_application", source_id, note.legal_entity_id, note.functional_currency
    )


def _posted(work: Work, entry: JournalEntry) -> JournalEntry | None:
    """The entry, posted, where it says anything."""
    entry.settle_fx()
    if not entry.lines:
        return None
    work.post(entry)
    return entry


def _by_external_id(
    work: Work, asked: ApplyCreditNote, note_id: str
) -> Outcome[CreditNoteAppliedAnswer] | None:  # fmt: skip
    """What was settled under this external_id, as things stand now; 409 where other lines were."""
    if not asked.external_id:
        return None
    rows = credit_notes.by_request(work.tx, note_id, asked.external_id)
    if not rows:
        return None
    if not _is_same(asked, rows):
        raise conflict("another application of this credit note", ["applications"])
    return _as_it_stands(work, rows)


def _same_as_latest(
    work: Work, asked: ApplyCreditNote, note: CreditNote
) -> Outcome[CreditNoteAppliedAnswer] | None:  # fmt: skip
    """Without a key of the caller's: a body like that of the latest request is that one, unless it has been undone."""
    if work.cmd.key_given or asked.external_id or work.dry_run:
        return None
    rows = credit_notes.latest_request(work.tx, note.id)
    if not rows or not _is_same(asked, rows) or any(a.undone_at for a in rows):
        return None
    return _as_it_stands(work, rows)


def _is_same(asked: ApplyCreditNote, rows: Sequence[CreditNoteApplication]) -> bool:
    said = [(x.invoice_id, x.applied_minor) for x in asked.applications]
    return said == [(a.invoice_id, a.applied_minor) for a in rows]


def _as_it_stands(
    work: Work, rows: Sequence[CreditNoteApplication]
) -> Outcome[CreditNoteAppliedAnswer]:  # fmt: skip
    note = credit_notes.get(work.tx, rows[0].credit_note_id)
    work.require_entity(note.legal_entity_id)
    balances = payments.balances_now(work.tx, [a.invoice_id for a in rows])
    owed = payments.outstanding(work.tx, note.customer_id)
    return Outcome(credit_note_applied_answer(note, rows, balances, owed), replayed=True)


@operation(
    "unapply_credit_note", UnapplyCreditNote, CreditNoteUnappliedAnswer, execution.Posting("UnapplyCreditNote")
)  # fmt: skip
def unapply_credit_note(work: Work, asked: UnapplyCreditNote) -> Outcome[CreditNoteUnappliedAnswer]:
    """An invoice is no longer settled by a note, also where a payment's session had said so: both are open again."""
    seen = credit_notes.get_application(work.tx, str(work.cmd.resource_id))
    work.require_entity(seen.legal_entity_id)
    if seen.payment_id is not None:
        payments.lock(work.tx, seen.payment_id)
    locked = credit_notes.lock(work.tx, [seen.credit_note_id], [seen.invoice_id])
    a = credit_notes.get_application(work.tx, seen.id)  # again, now that both are locked
    note = locked.notes[a.credit_note_id]
    if a.undone_at is not None:
        raise Refusal("APPLICATION_UNAPPLIED", f"Application {a.id} was undone on {a.undone_date}.")
    on = _day(work, asked.effective_date, note)
    entry = _exchange_entry(note, max(on, a.effective_date), locked.closed_periods, a.payment_id)
    debit_exchange(entry, [a])
    posted = _posted(work, entry)
    after = record_undoing(work, [a], locked.notes, on, entry.entry_date, asked.reason_code, posted)[note.id]
    balances = restore_invoices(work, reliefs([], credited=[a]), locked.invoices)
    if a.session_id is not None:
        sessions.mark_undone(work.tx, [a.session_id])
    before = {a.invoice_id: locked.invoices[a.invoice_id].balance_due_minor}
    audit_restored(work, [a], before, "invoice.credit_note_unapplied", asked.reason_code)
    return Outcome(
        CreditNoteUnappliedAnswer(
            id=a.id,
            credit_note_id=note.id,
            invoice_id=a.invoice_id,
            applied_minor=a.applied_minor,
            currency_code=a.currency_code,
            unapplied_at=work.now,
            effective_date=max(on, a.effective_date),
            status=after.status,
            balance_minor=after.balance_minor,
            journal_entry_id=posted.id if posted else None,
            invoices=balances,
            outstanding_balances=payments.outstanding(work.tx, note.customer_id),
        )
    )


def _day(work: Work, given: date | None, note: CreditNote) -> date:
    """The date given, else today (UTC), never before the note's."""
    if given is None:
        return max(work.now.date(), note.issue_date)
    if given < note.issue_date:
        raise Refusal(
            "DATE_BEFORE_CREDIT_NOTE",
            f"effective_date {given} is before the credit note's issue date {note.issue_date}.",
            issue_date=str(note.issue_date),
        )
    return given
