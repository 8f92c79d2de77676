"""What is answered of credit notes. Amounts in minor units of the currency beside them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from models.answers import CurrencyAmountAnswer, answer
from models.cash.answers import InvoiceBalanceAnswer
from models.cash.book_answers import JournalEntryAnswer, journal_entry_answer
from models.cash.credit_note_lines import CreditNoteApplicationAnswer, credit_note_application_answer
from models.cash.credit_notes import CreditNote, CreditNoteApplication, CreditNoteStatus
from models.cash.ledger import JournalEntry


@answer
class CreditNoteAnswer:
    """A credit note as it stands. `total_minor` includes the tax; `balance_minor` is what no invoice has taken, 0 once it is
    VOID or REJECTED. `approval_id`: what decides about it, or did; `applications` with the undone ones."""

    id: str
    status: CreditNoteStatus
    external_id: str
    customer_id: str
    legal_entity_id: str
    invoice_id: str | None
    issue_date: date
    currency_code: str
    total_minor: int
    tax_minor: int
    balance_minor: int
    functional_currency: str
    functional_total_minor: int
    fx_rate: Decimal
    reason_code: str
    note: str | None
    approval_id: str | None
    applications: Sequence[CreditNoteApplicationAnswer]
    created_at: datetime
    created_by: str
    void_date: date | None
    void_reason: str | None


def credit_note_answer(n: CreditNote, applications: Iterable[CreditNoteApplication]) -> CreditNoteAnswer:
    return CreditNoteAnswer(
        id=n.id,
        status=n.status,
        external_id=n.external_id,
        customer_id=n.customer_id,
        legal_entity_id=n.legal_entity_id,
        invoice_id=n.invoice_id,
        issue_date=n.issue_date,
        currency_code=n.currency_code,
        total_minor=n.total_minor,
        tax_minor=n.tax_minor,
        balance_minor=n.balance_minor,
        functional_currency=n.functional_currency,
        functional_total_minor=n.functional_total_minor,
        fx_rate=n.fx_rate,
        reason_code=n.reason_code,
        note=n.note,
        approval_id=n.approval_id,
        applications=[credit_note_application_answer(a) for a in applications],
        created_at=n.created_at,
        created_by=n.created_by,
        void_date=n.void_date,
        void_reason=n.void_reason,
    )


@answer
class CreditNoteAppliedAnswer:
    """What one request settled with a credit note, and the note and the invoices afterwards. `journal_entry_id`: of the
    difference between the exchange rates, null where there is none; `journal_entry`: what a dry run would post, else null."""

    credit_note_id: str
    applied_count: int
    balance_minor: int
    status: CreditNoteStatus
    journal_entry_id: str | None
    applications: Sequence[CreditNoteApplicationAnswer]
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]
    journal_entry: JournalEntryAnswer | None


def credit_note_applied_answer(
    n: CreditNote,
    applications: Sequence[CreditNoteApplication],
    invoices: Sequence[InvoiceBalanceAnswer],
    owed: Sequence[CurrencyAmountAnswer],
    would_post: JournalEntry | None = None,
) -> CreditNoteAppliedAnswer:
    return CreditNoteAppliedAnswer(
        credit_note_id=n.id,
        applied_count=len(applications),
        balance_minor=n.balance_minor,
        status=n.status,
        journal_entry_id=next((a.journal_entry_id for a in applications), None),
        applications=[credit_note_application_answer(a) for a in applications],
        invoices=invoices,
        outstanding_balances=owed,
        journal_entry=journal_entry_answer(would_post) if would_post else None,
    )


@answer
class CreditNoteUnappliedAnswer:
    """One invoice that a credit note no longer settles, and both documents afterwards."""

    id: str
    credit_note_id: str
    invoice_id: str
    applied_minor: int
    currency_code: str
    unapplied_at: datetime
    effective_date: date
    status: CreditNoteStatus
    balance_minor: int
    journal_entry_id: str | None
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]
