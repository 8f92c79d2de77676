"""Whether somebody may give a credit note alone: with what he gave before that is one with it."""

from datetime import timedelta

from models.approvals.approval import Authority
from models.authority import AuthorityKind
from models.cash.credit_notes import CreditNote
from models.cash.records import Invoice
from models.db.authority import get as limits_of
from models.db.cash import credit_notes
from models.db.master_data import settings_of
from operations.approvals.authority import beyond
from operations.work import Work


def beyond_authority(
    work: Work, note: CreditNote, invoice: Invoice | None, before: credit_notes.Corrected
) -> Authority | None:  # fmt: skip
    """The chain for a note that its author may not give alone; None within his limit. On an invoice all of his notes are one
    amount; without one all that he gives the customer within `credit_window_days`, so that nobody gives more by giving it in
    parts. What takes back more than its invoice has names none."""
    given = before.given
    if invoice is None or note.total_minor > invoice.total_minor:
        given = max(given, _given_without_invoice(work, note))
    limits = limits_of(work.tx)
    return beyond(limits, AuthorityKind.CREDIT_NOTE, note.functional_total_minor, work.cmd.roles, given)


def _given_without_invoice(work: Work, note: CreditNote) -> int:
    days = settings_of(work.tx).credit_window_days
    if days == 0:
        return 0
    credit_notes.lock_given(work.tx, note.customer_id, work.cmd.actor)
    since = work.now.date() - timedelta(days=days - 1)
    return credit_notes.given_without_invoice(work.tx, note, work.cmd.actor, since)
