"""Credit notes: documents of ours that take back an invoice or a part of it; what they are and how they settle invoices. Pure.

Amounts are minor units of the note's currency, which is that of every invoice it settles; `functional_*` of the legal
entity's functional currency. A note lowers receivables when it is posted; settling an invoice with it only says which one,
so it moves nothing between accounts but the difference between the two exchange rates, where there is one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from models.cash.allocation import OpenInvoice
from models.errors import Refusal
from models.money import share, spelt


class CreditNoteStatus(StrEnum):
    """PENDING_APPROVAL → OPEN → PARTIALLY_APPLIED → APPLIED; REJECTED and VOID are the end."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    OPEN = "OPEN"
    PARTIALLY_APPLIED = "PARTIALLY_APPLIED"
    APPLIED = "APPLIED"
    VOID = "VOID"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote:
    """A credit note. `invoice_id`: the invoice that it corrects, where it says one; `posted_at`: null until it is approved;
    `authorised_minor`: what of it, in the functional currency, was given on the authority of `created_by` alone."""

    id: str
    customer_id: str
    legal_entity_id: str
    external_id: str
    invoice_id: str | None
    issue_date: date
    currency_code: str
    total_minor: int
    tax_minor: int
    balance_minor: int
    fx_rate: Decimal
    functional_currency: str
    functional_total_minor: int
    functional_balance_minor: int
    functional_tax_minor: int
    authorised_minor: int
    revenue_account: str
    reason_code: str
    note: str | None
    tax_given: bool
    approval_id: str | None = None
    version: int = 1
    created_at: datetime
    created_by: str
    posted_at: datetime | None = None
    rejected_at: datetime | None = None
    voided_at: datetime | None = None
    void_date: date | None = None
    void_reason: str | None = None

    @property
    def status(self) -> CreditNoteStatus:
        """The database computes the same."""
        if self.voided_at is not None:
            return CreditNoteStatus.VOID
        if self.rejected_at is not None:
            return CreditNoteStatus.REJECTED
        if self.posted_at is None:
            return CreditNoteStatus.PENDING_APPROVAL
        if self.balance_minor == 0:
            return CreditNoteStatus.APPLIED
        return CreditNoteStatus.OPEN if self.balance_minor == self.total_minor else CreditNoteStatus.PARTIALLY_APPLIED

    def holding(self, minor: int, functional_minor: int) -> "CreditNote":
        """The note with so much more of it left."""
        return replace(
            self,
            balance_minor=self.balance_minor + minor,
            functional_balance_minor=self.functional_balance_minor + functional_minor,
        )


class CreditNoteApplicationStatus(StrEnum):
    POSTED = "POSTED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteApplication:
    """What of a note settled one invoice: alone, or in a payment's session. `functional_credit_minor`: what the note lost by
    it, `functional_relief_minor`: what the invoice did; `effective_date`: from when aging counts it."""

    id: str
    credit_note_id: str
    invoice_id: str
    customer_id: str
    legal_entity_id: str
    payment_id: str | None
    session_id: str | None
    external_id: str | None
    command_id: str
    line_no: int
    applied_minor: int
    currency_code: str
    functional_credit_minor: int
    functional_relief_minor: int
    functional_currency: str
    journal_entry_id: str | None
    effective_date: date
    entry_date: date
    created_at: datetime
    created_by: str
    undone_at: datetime | None = None
    undone_date: date | None = None
    undone_entry_date: date | None = None
    undo_reason: str | None = None

    @property
    def status(self) -> CreditNoteApplicationStatus:
        """The database computes the same."""
        return CreditNoteApplicationStatus.POSTED if self.undone_at is None else CreditNoteApplicationStatus.UNDONE

    @property
    def exchange_minor(self) -> int:
        """What receivables lose, in the functional currency, because invoice and note are carried at different rates."""
        return self.functional_relief_minor - self.functional_credit_minor


@dataclass(frozen=True, slots=True)
class CreditLine:
    """So much of a note to one invoice, as asked."""

    credit_note_id: str
    invoice_id: str
    applied_minor: int


@dataclass(frozen=True, slots=True)
class PlannedCredit:
    """A line as decided. functional_credit_minor: what leaves the note; functional_relief_minor: what leaves the invoice."""

    line: CreditLine
    note: CreditNote
    invoice: OpenInvoice
    functional_credit_minor: int
    functional_relief_minor: int

    @property
    def has_exchange(self) -> bool:
        """Whether the two are carried at different rates."""
        return self.functional_credit_minor != self.functional_relief_minor

    @property
    def effective_date(self) -> date:
        """From when the invoice is settled by it: as soon as both documents are there."""
        return max(self.note.issue_date, self.invoice.issue_date)


@dataclass(frozen=True, slots=True)
class Netting:
    """What notes settle of invoices: the lines, and both sides as they leave them."""

    lines: tuple[PlannedCredit, ...]
    notes: Mapping[str, CreditNote]
    invoices: Mapping[str, OpenInvoice]

    @property
    def has_exchange(self) -> bool:
        """Whether settling them wins or loses anything in the functional currency."""
        return any(p.has_exchange for p in self.lines)


NOTHING_NETTED: Final = Netting((), {}, {})


def check_notes(notes: Collection[CreditNote]) -> None:
    """What the notes alone decide: 409 for one that is not open."""
    for n in notes:
        if n.status not in (CreditNoteStatus.OPEN, CreditNoteStatus.PARTIALLY_APPLIED, CreditNoteStatus.APPLIED):
            raise Refusal(
                "CREDIT_NOTE_NOT_OPEN", f"Credit note {n.id} is {n.status}.", credit_note_id=n.id, status=str(n.status)
            )


def check_pairs(
    lines: Sequence[CreditLine], notes: Mapping[str, CreditNote], invoices: Mapping[str, OpenInvoice]
) -> None:
    """A note settles invoices of its own customer, legal entity and currency, that are not void."""
    pairs = [(notes[x.credit_note_id], invoices[x.invoice_id]) for x in lines]
    for _, i in pairs:
        if i.void:
            raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    for n, i in pairs:
        if i.customer_id != n.customer_id:
            raise Refusal(
                "INVOICE_CUSTOMER_MISMATCH", f"Invoice {i.id} is not of the customer of {n.id}.", invoice_id=i.id
            )
    for n, i in pairs:
        if i.legal_entity_id != n.legal_entity_id:
            raise Refusal(
                "LEGAL_ENTITY_MISMATCH",
                f"Invoice {i.id} belongs to legal entity {i.legal_entity_id}, {n.id} to {n.legal_entity_id}.",
                invoice_id=i.id,
            )
    for n, i in pairs:
        if i.currency_code != n.currency_code:
            raise Refusal(
                "CREDIT_NOTE_CURRENCY_MISMATCH",
                f"Credit note {n.id} is in {n.currency_code}, invoice {i.id} in {i.currency_code}.",
                credit_note_id=n.id,
                invoice_id=i.id,
            )


def net(lines: Sequence[CreditLine], notes: Mapping[str, CreditNote], invoices: Mapping[str, OpenInvoice]) -> Netting:
    """Settle, each line at its share of what both documents are carried at: what takes all of one takes all of its worth.

    More than there is leaves 0 here; `refuse_excess` says so in its turn."""
    left, open_, done = dict(notes), dict(invoices), list[PlannedCredit]()
    for x in lines:
        n, i = left[x.credit_note_id], open_[x.invoice_id]
        part = min(x.applied_minor, n.balance_minor, i.balance_minor)
        credit = share(n.functional_balance_minor, part, n.balance_minor) if part else 0
        relief = share(i.functional_balance_minor, part, i.balance_minor) if part else 0
        done.append(PlannedCredit(x, n, i, credit, relief))
        left[n.id] = n.holding(-part, -credit)
        open_[i.id] = replace(
            i, balance_minor=i.balance_minor - part, functional_balance_minor=i.functional_balance_minor - relief
        )
    return Netting(tuple(done), left, open_)


def refuse_excess(netting: Netting) -> None:
    """422 for more than a note has left, then for more than an invoice has open."""
    for p in netting.lines:
        asked, left = (spelt(minor, p.note.currency_code) for minor in (p.line.applied_minor, p.note.balance_minor))
        if p.line.applied_minor > p.note.balance_minor:
            raise Refusal(
                "APPLIED_EXCEEDS_CREDIT",
                f"{asked} of credit note {p.note.id} is to be applied, it has {left} left.",
                credit_note_id=p.note.id,
                balance_minor=p.note.balance_minor,
            )
    for p in netting.lines:
        asked, due = (spelt(minor, p.note.currency_code) for minor in (p.line.applied_minor, p.invoice.balance_minor))
        if p.line.applied_minor > p.invoice.balance_minor:
            raise Refusal(
                "APPLIED_EXCEEDS_BALANCE",
                f"{asked} is to be applied to invoice {p.invoice.id}, which has {due} open.",
                invoice_id=p.invoice.id,
                balance_due_minor=p.invoice.balance_minor,
            )


def tax_of_note(total_minor: int, invoice_total: int, invoice_tax: int, noted: int, noted_tax: int) -> int:
    """The tax in a note that corrects an invoice, after the notes that corrected it before: so that all of them together
    take back the tax of their sum, and the whole invoice its whole tax."""
    whole = share(invoice_tax, min(noted + total_minor, invoice_total), invoice_total)
    return max(0, min(whole - noted_tax, total_minor))
