"""What the trail and the events say of a session that is being written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.cash.adjustments import Adjustment, by_application
from models.cash.allocation import Plan
from models.cash.answers import application_answer
from models.cash.credit_note_lines import credit_note_application_answer
from models.cash.credit_notes import CreditNoteApplication
from models.cash.deductions import Deduction
from models.cash.ledger import JournalEntry
from models.cash.records import ApplicationSession, Payment, PaymentApplication
from models.facts import Facts
from operations.cash import deductions
from operations.cash.payments import applied_so_far
from operations.cash.session_adjustments import audit_posted
from operations.work import Work, entry_mark


@dataclass(frozen=True)
class Booked:
    """A session that is being written: what the trail and the event say of it."""

    before: Payment
    after: Payment
    session: ApplicationSession
    decided: Plan
    applications: list[PaymentApplication]
    entry: JournalEntry | None
    overpayment: str | None = None
    adjustments: Sequence[Adjustment] = ()
    credited: Sequence[CreditNoteApplication] = ()
    deducted: Sequence[Deduction] = ()


def record_session(work: Work, b: Booked) -> None:
    """The trail of payment and invoices, and the event, of one session."""
    p = b.before
    beside = by_application(b.adjustments)
    work.audit(
        p.id, "payment.applied",
        {
            "session_id": b.session.id, "entries": entry_mark(b.entry) if b.entry else [], "overpayment": b.overpayment,
            "credit_id": b.session.credit_id, "before": applied_so_far(p), "after": applied_so_far(b.after),
            "applications": [
                {"id": a.id, "invoice_id": a.invoice_id, "applied_minor": a.applied_minor,
                 "invoice_applied_minor": a.invoice_applied_minor, "credit_id": a.credit_id, **_adjustments_of(beside, a)}
                for a in b.applications
            ],
            **({"credit_notes": [a.id for a in b.credited]} if b.credited else {}),
            **({"deductions": [d.id for d in b.deducted]} if b.deducted else {}),
        },
    )  # fmt: skip
    for allocation, row in zip(b.decided.allocations, b.applications, strict=True):
        work.audit(
            row.invoice_id, "invoice.payment_applied",
            {
                "payment_id": p.id, "application_id": row.id, **_adjustments_of(beside, row),
                "before": {"balance_due_minor": allocation.invoice.balance_minor},
                "after": {"balance_due_minor": allocation.new_balance_minor},
            },
        )  # fmt: skip
    audit_posted(work, b.adjustments)
    work.emit(
        "ar.payment.applied", p.id,
        {
            "payment_id": p.id, "customer_id": p.customer_id, "session_id": b.session.id,
            "journal_entry_id": b.session.journal_entry_id,
            "applications": [application_answer(a, beside.get(a.id, ())) for a in b.applications],
            "credit_notes": [credit_note_application_answer(a) for a in b.credited],
            "deductions": [deductions.event_facts(d) for d in b.deducted],
        },
    )  # fmt: skip


def _adjustments_of(beside: Mapping[str, Sequence[Adjustment]], a: PaymentApplication) -> Facts:
    """What an audit event adds of an application that did not go by money alone."""
    return {"adjustments": [x.id for x in beside[a.id]]} if a.id in beside else {}
