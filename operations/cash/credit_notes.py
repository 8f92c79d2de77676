"""Credit notes: posted within authority (DR revenue and tax_payable, CR accounts_receivable), else when approved; voided."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from models.approvals.approval import Approval, Asked, Authority
from models.approvals.chain import ChangeStatus
from models.authority import AuthorityKind
from models.cash.credit_note_answers import CreditNoteAnswer, credit_note_answer
from models.cash.credit_note_requests import CreateCreditNote, VoidCreditNote
from models.cash.credit_notes import CreditNote, CreditNoteStatus, tax_of_note
from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.periods import entry_date
from models.cash.records import Invoice
from models.db import lookups
from models.db.authority import get as limits_of
from models.db.cash import credit_notes, invoices, rates
from models.db.cash.journal import entries_of, revenue_account_of
from models.db.tx import Tx
from models.errors import Refusal
from models.facts import Fact, Facts
from models.ids import new_id
from models.master_data.records import BilledCustomer, DiscountTax, LegalEntity
from models.money import convert, spelt
from operations import execution
from operations.approvals.authority import beyond, roles_of
from operations.approvals.kinds import Kind, register
from operations.approvals.requests import ask
from operations.cash.credit_authority import beyond_authority
from operations.external_ids import differing, refuse_another
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

_BUSINESS_FIELDS: Final = (
    "customer_id",
    "issue_date",
    "currency_code",
    "total_minor",
    "reason_code",
    "invoice_id",
    "note",
)


@operation("create_credit_note", CreateCreditNote, CreditNoteAnswer, execution.Posting("IssueCreditNote"))
def create_credit_note(work: Work, asked: CreateCreditNote) -> Outcome[CreditNoteAnswer]:
    """A credit note, once per external_id, for ever: 201 posted, within the caller's authority; 202 with an approval beyond it.
    What he gave before on the same invoice, or of late to the same customer without one, is one amount with it."""
    known = credit_notes.by_external_id(work.tx, asked.external_id)
    if known is not None:
        return _replay(work, known, asked)
    customer = lookups.customer(work.tx, asked.customer_id)
    invoice = invoices.get(work.tx, asked.invoice_id, lock=True) if asked.invoice_id else None
    owner = invoice.legal_entity_id if invoice else customer.legal_entity_id
    entity = lookups.legal_entity(work.tx, asked.legal_entity_id or owner)
    work.require_entity(entity.id)
    if invoice is not None:
        _refuse_another(invoice, asked, entity)
    before = credit_notes.corrected(work.tx, invoice.id, work.cmd.actor) if invoice else NOT_CORRECTED
    note = new_note(work, asked, About(customer, entity, invoice, before))
    authority = beyond_authority(work, note, invoice, before)
    if authority is not None:
        return Outcome(credit_note_answer(_waiting(work, note, authority), []), 202)
    work.add("credit_notes", [note])
    issue(work, note, invoices.closed_periods(work.tx))
    return Outcome(credit_note_answer(note, []), 201)


NOT_CORRECTED: Final = credit_notes.Corrected(0, 0, 0)


@dataclass(frozen=True)
class About:
    """What a note is about: its customer, legal entity, the invoice that it corrects, and what of that is corrected already."""

    customer: BilledCustomer
    entity: LegalEntity
    invoice: Invoice | None
    before: credit_notes.Corrected


def _refuse_another(i: Invoice, asked: CreateCreditNote, entity: LegalEntity) -> None:
    """The invoice that a note corrects is not void, and of its customer, legal entity and currency."""
    if i.voided_at is not None:
        raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    if i.customer_id != asked.customer_id:
        raise Refusal("INVOICE_CUSTOMER_MISMATCH", f"Invoice {i.id} is another customer's.", invoice_id=i.id)
    if i.legal_entity_id != entity.id:
        raise Refusal(
            "LEGAL_ENTITY_MISMATCH",
            f"Invoice {i.id} belongs to legal entity {i.legal_entity_id}, the credit note to {entity.id}.",
            invoice_id=i.id,
        )
    if i.currency_code != asked.currency_code:
        raise Refusal(
            "CREDIT_NOTE_CURRENCY_MISMATCH",
            f"Invoice {i.id} is in {i.currency_code}, the credit note in {asked.currency_code}.",
            invoice_id=i.id,
        )


def new_note(work: Work, asked: CreateCreditNote, about: About) -> CreditNote:
    """The note as it is recorded. One that corrects an invoice is carried at that one's rate, else at its own day's."""
    functional, currency = about.entity.functional_currency, asked.currency_code
    invoice = about.invoice
    rate = invoice.fx_rate if invoice else rates.required_rate(work.tx, currency, functional, asked.issue_date)
    tax = asked.tax_minor if asked.tax_minor is not None else _tax(asked, about)
    worth = convert(asked.total_minor, rate, currency, functional)
    revenue = revenue_account_of(work.tx, invoice.id) if invoice else None
    return CreditNote(
        id=work.cmd.resource_id or new_id("cn"),
        customer_id=about.customer.id,
        legal_entity_id=about.entity.id,
        external_id=asked.external_id,
        invoice_id=asked.invoice_id,
        issue_date=asked.issue_date,
        currency_code=currency,
        total_minor=asked.total_minor,
        tax_minor=tax,
        balance_minor=asked.total_minor,
        fx_rate=rate,
        functional_currency=functional,
        functional_total_minor=worth,
        functional_balance_minor=worth,
        functional_tax_minor=_tax_worth(tax, asked.total_minor, worth, rate, currency, functional),
        authorised_minor=worth,
        revenue_account=revenue or about.customer.revenue_account or Account.REVENUE,
        reason_code=asked.reason_code,
        note=asked.note,
        tax_given=asked.tax_minor is not None,
        created_at=work.now,
        created_by=work.cmd.actor,
        posted_at=work.now,
    )


def _tax(asked: CreateCreditNote, about: About) -> int:
    """The tax in a note that does not say it: the invoice's share of it where the legal entity takes tax back with it."""
    i = about.invoice
    if i is None or about.entity.discount_tax is DiscountTax.KEEP:
        return 0
    return tax_of_note(asked.total_minor, i.total_minor, i.tax_minor, about.before.minor, about.before.tax_minor)


def _tax_worth(tax: int, total: int, worth: int, rate: Decimal, currency: str, functional: str) -> int:
    return worth if tax == total else min(worth, convert(tax, rate, currency, functional))


def _asked(n: CreditNote, authority: Authority) -> Asked:
    return Asked(
        kind="credit_note",
        subject_id=n.id,
        summary=f"Credit {spelt(n.total_minor, n.currency_code)}",
        href=f"/v1/credit-notes/{n.id}",
        roles=roles_of(authority),
        customer_id=n.customer_id,
        legal_entity_id=n.legal_entity_id,
        amount_minor=n.total_minor,
        currency_code=n.currency_code,
        reason_code=n.reason_code,
        authority=authority,
    )


def _waiting(work: Work, note: CreditNote, authority: Authority) -> CreditNote:
    """The note as it is kept until those above have approved it: in no books."""
    n = replace(note, posted_at=None, authorised_minor=0, approval_id=ask(work, _asked(note, authority)).id)
    work.add("credit_notes", [n])
    said = {"after": _trail(n), "note": n.note, "approval_id": n.approval_id}
    work.audit(n.id, "credit_note.submitted", said, reason_code=n.reason_code)
    return n


def issue(work: Work, n: CreditNote, closed: frozenset[str]) -> None:
    """Post the note, with its trail and event."""
    entry = note_entry(n, closed)
    work.post(entry)
    said = {"after": _trail(n), "note": n.note, "approval_id": n.approval_id, "entries": entry_mark(entry)}
    work.audit(n.id, "credit_note.issued", said, reason_code=n.reason_code)
    if n.invoice_id is not None:
        about: Facts = {"credit_note_id": n.id, "total_minor": n.total_minor}
        work.audit(n.invoice_id, "invoice.credited", about, reason_code=n.reason_code)
    work.emit(
        "credit_note.created", n.id,
        {"credit_note_id": n.id, "external_id": n.external_id, **_facts(n), "reason_code": n.reason_code},
    )  # fmt: skip


def _facts(n: CreditNote) -> Facts:
    return {
        "customer_id": n.customer_id, "legal_entity_id": n.legal_entity_id, "invoice_id": n.invoice_id,
        "currency_code": n.currency_code, "total_minor": n.total_minor, "tax_minor": n.tax_minor,
        "issue_date": n.issue_date,
    }  # fmt: skip


def _trail(n: CreditNote) -> Facts:
    """What `arflow verify` holds the record to."""
    return {
        **_facts(n), "functional_total_minor": n.functional_total_minor, "authorised_minor": n.authorised_minor,
        "revenue_account": n.revenue_account, "created_by": n.created_by,
    }  # fmt: skip


def note_entry(n: CreditNote, closed: frozenset[str]) -> JournalEntry:
    """DR revenue and tax_payable, CR accounts_receivable, dated the day of issue or the first day of the next open month."""
    day, functional, currency = entry_date(n.issue_date, closed), n.functional_currency, n.currency_code
    entry = JournalEntry(new_id("je"), day, "credit_note", n.id, n.legal_entity_id, functional)
    worth, tax_worth = n.functional_total_minor, n.functional_tax_minor
    tags = {"customer_id": n.customer_id}
    entry.debit(n.revenue_account, n.total_minor - n.tax_minor, currency, worth - tax_worth, **tags)
    entry.debit(Account.TAX_PAYABLE, n.tax_minor, currency, tax_worth, **tags)
    entry.credit(Account.ACCOUNTS_RECEIVABLE, n.total_minor, currency, worth, **tags)
    return entry


@operation("void_credit_note", VoidCreditNote, CreditNoteAnswer, execution.Posting("VoidCreditNote"))
def void_credit_note(work: Work, asked: VoidCreditNote) -> Outcome[CreditNoteAnswer]:
    """Take back a note that settles nothing; its entry is reversed."""
    n = credit_notes.get(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(n.legal_entity_id)
    if n.status not in (CreditNoteStatus.OPEN, CreditNoteStatus.PARTIALLY_APPLIED, CreditNoteStatus.APPLIED):
        raise Refusal(
            "CREDIT_NOTE_NOT_OPEN", f"Credit note {n.id} is {n.status}.", credit_note_id=n.id, status=str(n.status)
        )
    if n.status is not CreditNoteStatus.OPEN:
        raise Refusal(
            "CREDIT_NOTE_HAS_APPLICATIONS",
            f"Credit note {n.id} settles invoices: unapply it first.",
            credit_note_id=n.id,
        )
    day = max(work.now.date(), n.issue_date)
    booked = entry_date(day, invoices.closed_periods(work.tx))
    entry = JournalEntry(new_id("je"), booked, "credit_note_void", n.id, n.legal_entity_id, n.functional_currency)
    work.post(reversing(entries_of(work.tx, n.id), entry))
    credit_notes.void(work.tx, n.id, on=day, reason=asked.reason_code)
    changed: Facts = {"before": {"status": n.status}, "after": {"status": "VOID"}, "entries": entry_mark(entry)}
    work.audit(n.id, "credit_note.voided", {**changed, "note": asked.note}, reason_code=asked.reason_code)
    work.emit(
        "credit_note.voided", n.id,
        {"credit_note_id": n.id, "customer_id": n.customer_id, "legal_entity_id": n.legal_entity_id,
         "reason_code": asked.reason_code, "void_date": day},
    )  # fmt: skip
    now = credit_notes.get(work.tx, n.id)
    return Outcome(credit_note_answer(now, credit_notes.applications_of(work.tx, [n.id]).get(n.id, ())))


def _replay(work: Work, known: CreditNote, asked: CreateCreditNote) -> Outcome[CreditNoteAnswer]:
    """The current record for the same business fields (after defaults), 409 naming the fields otherwise."""
    work.require_entity(known.legal_entity_id)
    given: dict[str, Fact] = {f: getattr(asked, f) for f in _BUSINESS_FIELDS}
    given["legal_entity_id"] = asked.legal_entity_id or known.legal_entity_id
    by_default = 0 if known.tax_given else known.tax_minor  # tax that was said may be left out only where it was none
    given["tax_minor"] = by_default if asked.tax_minor is None else asked.tax_minor
    refuse_another(f"another credit note ({known.id})", differing(given, known), known.id)
    lines = credit_notes.applications_of(work.tx, [known.id]).get(known.id, ())
    status = 202 if known.status is CreditNoteStatus.PENDING_APPROVAL else 201
    return Outcome(credit_note_answer(known, lines), status, replayed=True)


def _carry_out(work: Work, approval: Approval) -> None:
    """The approved note is posted: refused where the invoice that it corrects is void meanwhile."""
    n = credit_notes.get(work.tx, approval.subject_id, lock=True)
    if n.invoice_id is not None:
        i = invoices.get(work.tx, n.invoice_id, lock=True)
        if i.voided_at is not None:
            raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void.", invoice_id=i.id)
    issue(work, n, invoices.closed_periods(work.tx))
    credit_notes.mark_posted(work.tx, n.id)


def _follow(work: Work, approval: Approval) -> None:
    """Rejected or withdrawn, it takes nothing back, ever; returned or not possible any more, it waits for its submitter."""
    n = credit_notes.get(work.tx, approval.subject_id, lock=True)
    over = approval.chain.status in (ChangeStatus.REJECTED, ChangeStatus.WITHDRAWN)
    if over:
        credit_notes.mark_rejected(work.tx, n.id)
    after = CreditNoteStatus.REJECTED if over else n.status
    moved: Facts = {"before": {"status": n.status}, "after": {"status": after}}
    said: Facts = {**moved, "approval_id": approval.id, "approval_status": approval.chain.status}
    work.audit(n.id, "credit_note.moved", said, reason_code=approval.failure_code)


def _again(tx: Tx, approval: Approval) -> Asked:
    """The same note, under the limits of this day; whose limit has come to cover it still asks those whom he had asked."""
    n = credit_notes.get(tx, approval.subject_id)
    begun = approval.authority
    assert begun is not None, f"{approval.id} began without limits"
    authority = beyond(limits_of(tx), AuthorityKind.CREDIT_NOTE, n.functional_total_minor, [begun.submitter.role])
    return _asked(n, authority or begun)


register(Kind("credit_note", _carry_out, _follow, _again))
