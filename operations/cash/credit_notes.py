"""Credit notes: recorded within authority (DR revenue and tax_payable, CR accounts_receivable), voided."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from models.authority import AuthorityKind, highest
from models.cash.credit_note_answers import CreditNoteAnswer, credit_note_answer
from models.cash.credit_note_requests import CreateCreditNote, VoidCreditNote
from models.cash.credit_notes import CreditNote, CreditNoteStatus, tax_of_note
from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.periods import entry_date
from models.cash.records import Invoice
from models.db import authority, lookups
from models.db.cash import credit_notes, invoices, rates
from models.db.cash.journal import entries_of, revenue_account_of
from models.errors import Refusal
from models.ids import new_id
from models.master_data.records import BilledCustomer, DiscountTax, LegalEntity
from models.money import convert, spelt
from operations import carried
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


@operation("create_credit_note", CreateCreditNote, CreditNoteAnswer, carried.Posting("IssueCreditNote"))
def create_credit_note(work: Work, asked: CreateCreditNote) -> Outcome[CreditNoteAnswer]:
    """A credit note, once per external_id, for ever. Beyond its caller's authority it is refused."""
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
    note = _new_note(work, asked, About(customer, entity, invoice, before))
    _within_authority(work, note, before.given)
    return Outcome(_issued(work, note), 201)


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


def _new_note(work: Work, asked: CreateCreditNote, about: About) -> CreditNote:
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


def _within_authority(work: Work, n: CreditNote, given: int) -> None:
    """422 APPROVAL_REQUIRED where the caller's limit does not cover the note: what he gave on the same invoice before is one
    amount with it, so that nobody gives more by giving it in parts."""
    limits, role = authority.get(work.tx), highest(work.cmd.roles)
    needed = n.functional_total_minor + given
    limit = limits.of(AuthorityKind.CREDIT_NOTE, role)
    if limit.covers(needed):
        return
    mine = spelt(limit.limit_minor or 0, n.functional_currency)
    above = limits.first_covering(AuthorityKind.CREDIT_NOTE, needed)
    raise Refusal(
        "APPROVAL_REQUIRED",
        f"You may credit {mine}, {spelt(needed, n.functional_currency)} is asked for: that is up to {above}.",
        kind=str(AuthorityKind.CREDIT_NOTE),
        amount_minor=needed,
        limit_minor=limit.limit_minor,
        role=above,
    )


def _issued(work: Work, n: CreditNote) -> CreditNoteAnswer:
    """The note in the books, with its trail and event."""
    entry = note_entry(n, invoices.closed_periods(work.tx))
    work.post(entry)
    work.tx.insert("credit_notes", [n])
    facts = {
        "customer_id": n.customer_id, "legal_entity_id": n.legal_entity_id, "invoice_id": n.invoice_id,
        "currency_code": n.currency_code, "total_minor": n.total_minor, "tax_minor": n.tax_minor,
        "issue_date": n.issue_date,
    }  # fmt: skip
    trail = {
        **facts, "functional_total_minor": n.functional_total_minor, "authorised_minor": n.authorised_minor,
        "revenue_account": n.revenue_account, "created_by": n.created_by,
    }  # fmt: skip
    said = {"after": trail, "note": n.note, "entries": entry_mark(entry)}
    work.audit(n.id, "credit_note.issued", said, reason_code=n.reason_code)
    if n.invoice_id is not None:
        about = {"credit_note_id": n.id, "total_minor": n.total_minor}
        work.audit(n.invoice_id, "invoice.credited", about, reason_code=n.reason_code)
    work.emit(
        "credit_note.created", n.id,
        {"credit_note_id": n.id, "external_id": n.external_id, **facts, "reason_code": n.reason_code},
    )  # fmt: skip
    return credit_note_answer(n, [])


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


@operation("void_credit_note", VoidCreditNote, CreditNoteAnswer, carried.Posting("VoidCreditNote"))
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
    changed = {"before": {"status": n.status}, "after": {"status": "VOID"}, "entries": entry_mark(entry)}
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
    differing = [f for f in _BUSINESS_FIELDS if getattr(asked, f) != getattr(known, f)]
    taken: Mapping[str, object] = {"legal_entity_id": asked.legal_entity_id, "tax_minor": asked.tax_minor}
    differing += [f for f, value in taken.items() if value is not None and value != getattr(known, f)]
    if asked.tax_minor is None and known.tax_given and known.tax_minor != 0:
        differing.append("tax_minor")
    if differing:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another credit note ({known.id}); different: {', '.join(differing)}.",
            fields=differing,
            id=known.id,
        )
    lines = credit_notes.applications_of(work.tx, [known.id]).get(known.id, ())
    return Outcome(credit_note_answer(known, lines), 201, replayed=True)
