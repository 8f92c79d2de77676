"""Invoices: issued (DR accounts_receivable, CR revenue and tax_payable), voided, disputed."""

from datetime import date, timedelta
from typing import Final

from models.cash.invoice_answers import InvoiceAnswer, IssuedInvoiceAnswer, invoice_answer, issued_invoice_answer
from models.cash.ledger import Account, JournalEntry, reversing
from models.cash.payment import InvoiceStatus
from models.cash.periods import entry_date
from models.cash.records import Invoice
from models.cash.references import reference_key
from models.cash.requests import ChangeInvoice, CreateInvoice
from models.db import lookups
from models.db.cash import invoices, rates
from models.db.cash.deductions import open_of_invoices
from models.db.cash.journal import entries_of
from models.errors import FieldError, Refusal
from models.exceptions.records import ExceptionRecord
from models.exceptions.requests import ResolveException
from models.facts import Fact, Facts
from models.ids import new_id
from models.master_data.records import DEFAULT_TERMS, CustomerStatus, LegalEntity, PaymentTerms
from models.money import convert
from operations import exception_kinds
from operations.cash.credit_limits import credit_warnings
from operations.cash.deductions import VOIDED, withdraw_all
from operations.exception_kinds import ExceptionKind
from operations.external_ids import differing, refuse_another
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

_BUSINESS_FIELDS = (
    "customer_id", "legal_entity_id", "issue_date", "due_date", "payment_terms", "currency_code", "total_minor",
    "tax_minor", "lines",
)  # fmt: skip


@operation("create_invoice", CreateInvoice, IssuedInvoiceAnswer)
def create_invoice(work: Work, asked: CreateInvoice) -> Outcome[IssuedInvoiceAnswer]:
    """Issue an invoice. Once per external_id, for ever."""
    known = invoices.by_external_id(work.tx, asked.external_id)
    if known is not None:
        return _replay(work, known, asked)
    customer = invoices.billed_customer(work.tx, asked.customer_id)
    entity = lookups.legal_entity(work.tx, asked.legal_entity_id or customer.legal_entity_id)
    work.require_entity(entity.id)
    if customer.status is not CustomerStatus.ACTIVE:
        raise Refusal("CUSTOMER_INACTIVE", f"Customer {customer.id} is inactive: no new invoices.")
    invoice = _new_invoice(work, asked, customer, entity)
    entry = _entry(invoice, customer)
    work.post(entry)
    work.tx.insert("invoices", [invoice])
    facts: Facts = {
        "customer_id": invoice.customer_id, "legal_entity_id": invoice.legal_entity_id,
        "currency_code": invoice.currency_code, "total_minor": invoice.total_minor, "tax_minor": invoice.tax_minor,
        "issue_date": invoice.issue_date, "due_date": invoice.due_date,
    }  # fmt: skip
    work.audit(invoice.id, "invoice.issued", {"after": facts, "entries": entry_mark(entry)})
    work.emit("invoice.created", invoice.id, {"invoice_id": invoice.id, "external_id": invoice.external_id, **facts})
    return Outcome(issued_invoice_answer(invoice, credit_warnings(work, customer, entity)), 201)


@operation("void_invoice", ChangeInvoice, InvoiceAnswer)
def void_invoice(work: Work, asked: ChangeInvoice) -> Outcome[InvoiceAnswer]:
    """Void an invoice that nothing is applied to; its entry is reversed."""
    i = _locked(work)
    if i.status is InvoiceStatus.VOID:
        raise Refusal("INVOICE_VOID", f"Invoice {i.id} is void already.")
    if i.balance_due_minor != i.total_minor:
        raise Refusal("INVOICE_HAS_APPLICATIONS", f"Payments are applied to invoice {i.id}: unapply them first.")
    day = max(work.now.date(), i.issue_date)
    booked = entry_date(day, invoices.closed_periods(work.tx))
    entry = JournalEntry(new_id("je"), booked, "void", i.id, i.legal_entity_id, i.functional_currency)
    work.post(reversing(entries_of(work.tx, i.id), entry))
    invoices.void(work.tx, i.id, on=day, reason=asked.reason_code)
    if i.disputed_at is not None:
        end_dispute(work, i.id, asked.reason_code, asked.note)
    if i.deducted_minor:
        withdraw_all(work, open_of_invoices(work.tx, [i.id]), VOIDED)
    work.emit(
        "invoice.voided", i.id,
        {"invoice_id": i.id, "customer_id": i.customer_id, "legal_entity_id": i.legal_entity_id,
         "reason_code": asked.reason_code, "void_date": day},
    )  # fmt: skip
    changed: Facts = {"before": {"status": i.status}, "after": {"status": "VOID"}, "entries": entry_mark(entry)}
    return _changed(work, i.id, "invoice.voided", changed, asked)


@operation("dispute_invoice", ChangeInvoice, InvoiceAnswer)
def dispute_invoice(work: Work, asked: ChangeInvoice) -> Outcome[InvoiceAnswer]:
    """Mark an invoice as disputed; its balance stays, aging shows it apart."""
    i = _locked(work)
    if i.status in (InvoiceStatus.VOID, InvoiceStatus.PAID):
        raise Refusal("INVOICE_NOT_OPEN", f"Invoice {i.id} is {i.status}.")
    if i.disputed_at is not None:
        raise Refusal("INVOICE_DISPUTED", f"Invoice {i.id} is disputed already.")
    invoices.dispute(work.tx, i.id, asked.reason_code)
    work.open_exception(
        DISPUTES.name, asked.reason_code, i.id, owner_role="ar_manager", due_in=timedelta(days=5),
        legal_entity_id=i.legal_entity_id, detail={"customer_id": i.customer_id},
    )  # fmt: skip
    changed = {"before": {"disputed": False}, "after": {"disputed": True}}
    return _changed(work, i.id, "invoice.disputed", changed, asked)


@operation("resolve_dispute", ChangeInvoice, InvoiceAnswer)
def resolve_dispute(work: Work, asked: ChangeInvoice) -> Outcome[InvoiceAnswer]:
    """End a dispute; the exception of it is resolved with the same reason."""
    i = _locked(work)
    if i.disputed_at is None:
        raise Refusal("INVOICE_NOT_DISPUTED", f"Invoice {i.id} is not disputed.")
    end_dispute(work, i.id, asked.reason_code, asked.note)
    return Outcome(invoice_answer(invoices.get(work.tx, i.id)))


def end_dispute(work: Work, invoice_id: str, code: str, note: str | None) -> None:
    """The locked invoice is no longer disputed; its exception is resolved."""
    invoices.end_dispute(work.tx, invoice_id, who=work.cmd.actor, code=code)
    changed = {"before": {"disputed": True}, "after": {"disputed": False}, "note": note}
    work.audit(invoice_id, "invoice.dispute_resolved", changed, reason_code=code)


def _resolved(work: Work, e: ExceptionRecord, asked: ResolveException) -> None:
    if invoices.get(work.tx, e.subject_id).disputed_at is not None:
        end_dispute(work, e.subject_id, asked.code, asked.note)


DISPUTES: Final = exception_kinds.register(
    ExceptionKind("invoice_dispute", lambda tx, invoice_id: invoices.get(tx, invoice_id, lock=True), resolved=_resolved)
)


def _new_invoice(work: Work, asked: CreateInvoice, customer: invoices.Billed, entity: LegalEntity) -> Invoice:
    """The invoice as it is issued: its due date and its worth in the functional currency at the issue date's rate."""
    own = lookups.entity_override(work.tx, customer.id, entity.id).get("payment_terms")
    agreed = str(own) if own else customer.payment_terms or DEFAULT_TERMS
    code = asked.payment_terms or (None if asked.due_date else agreed)
    terms = _terms(work, code) if code else None
    rate = rates.required_rate(work.tx, asked.currency_code, entity.functional_currency, asked.issue_date)
    worth = convert(asked.total_minor, rate, asked.currency_code, entity.functional_currency)
    return Invoice(
        id=work.cmd.resource_id or new_id("invoice"),
        customer_id=customer.id,
        legal_entity_id=entity.id,
        external_id=asked.external_id,
        reference_key=reference_key(asked.external_id),
        issue_date=asked.issue_date,
        due_date=asked.due_date or asked.issue_date + timedelta(days=terms.days if terms else 0),
        payment_terms=code,
        currency_code=asked.currency_code,
        total_minor=asked.total_minor,
        tax_minor=asked.tax_minor,
        balance_due_minor=asked.total_minor,
        fx_rate=rate,
        functional_currency=entity.functional_currency,
        functional_total_minor=worth,
        functional_balance_minor=worth,
        lines=[line.model_dump(mode="json") for line in asked.lines],
        discount_percent=terms.discount_percent if terms else None,
        discount_days=terms.discount_days if terms else None,
        created_at=work.now,
    )


def _terms(work: Work, code: str) -> PaymentTerms:
    terms = invoices.payment_terms(work.tx, code)
    if terms is None:
        wrong = f"There are no payment terms {code}."
        raise Refusal(
            "PAYMENT_TERMS_UNKNOWN", wrong, errors=[FieldError("/payment_terms", "PAYMENT_TERMS_UNKNOWN", wrong)]
        )
    return terms


def _entry(i: Invoice, customer: invoices.Billed) -> JournalEntry:
    functional, currency = i.functional_currency, i.currency_code
    day = entry_date(i.issue_date, customer.closed_periods)
    entry = JournalEntry(new_id("je"), day, "invoice", i.id, i.legal_entity_id, functional)
    worth, tax = i.functional_total_minor, i.tax_minor
    tax_worth = convert(tax, i.fx_rate, currency, functional)
    tags = {"customer_id": i.customer_id, "invoice_id": i.id}
    entry.debit(Account.ACCOUNTS_RECEIVABLE, i.total_minor, currency, worth, **tags)
    entry.credit(customer.revenue_account or Account.REVENUE, i.total_minor - tax, currency, worth - tax_worth, **tags)
    entry.credit(Account.TAX_PAYABLE, tax, currency, tax_worth, **tags)
    return entry


def _locked(work: Work) -> Invoice:
    i = invoices.get(work.tx, str(work.cmd.resource_id), lock=True)
    work.require_entity(i.legal_entity_id)
    return i


def _changed(work: Work, invoice_id: str, action: str, changed: Facts, asked: ChangeInvoice) -> Outcome[InvoiceAnswer]:
    work.audit(invoice_id, action, {**changed, "note": asked.note}, reason_code=asked.reason_code)
    return Outcome(invoice_answer(invoices.get(work.tx, invoice_id)))


def _replay(work: Work, known: Invoice, asked: CreateInvoice) -> Outcome[IssuedInvoiceAnswer]:
    """The current record for the same business fields (after defaults), 409 naming the fields otherwise."""
    work.require_entity(known.legal_entity_id)
    given: dict[str, Fact] = {f: getattr(asked, f) for f in _BUSINESS_FIELDS} | _defaults(work, known, asked)
    given["lines"] = [line.model_dump(mode="json") for line in asked.lines]
    refuse_another(f"another invoice ({known.id})", differing(given, known), known.id)
    return Outcome(issued_invoice_answer(known, []), 201, replayed=True)


def _defaults(work: Work, known: Invoice, asked: CreateInvoice) -> dict[str, str | date | None]:
    """Entity, terms and due date that the body comes to. Terms once taken stay taken, though the customer's have changed."""
    entity_id, customers_terms = invoices.terms_of(work.tx, known.customer_id) or (known.legal_entity_id, None)
    terms = asked.payment_terms or known.payment_terms or customers_terms or DEFAULT_TERMS
    due = asked.due_date
    if due is None and terms == known.payment_terms:
        due = known.due_date
    elif due is None and (other := invoices.payment_terms(work.tx, terms)) is not None:
        due = asked.issue_date + timedelta(days=other.days)
    # An invoice with a due date of its own took no terms: only terms that are said now differ from that.
    return {
        "legal_entity_id": asked.legal_entity_id or entity_id,
        "due_date": due,
        "payment_terms": asked.payment_terms or known.payment_terms,
    }
