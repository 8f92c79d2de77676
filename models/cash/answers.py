"""What cash application answers of payments, sessions and credits. Amounts in minor units of the currency beside them; rates are
decimal strings."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from models.answers import CurrencyAmountAnswer, answer, answer_from
from models.cash.adjustment_answers import AdjustmentAnswer, adjustment_answer
from models.cash.adjustments import Adjustment, by_application
from models.cash.bank_texts import BankText
from models.cash.book_answers import JournalEntryAnswer, journal_entry_answer
from models.cash.credit_note_lines import CreditNoteApplicationAnswer, credit_note_application_answer
from models.cash.credit_notes import CreditNoteApplication
from models.cash.deduction_answers import DeductionAnswer, deduction_answer
from models.cash.deductions import Deduction
from models.cash.ledger import JournalEntry
from models.cash.payment import CreditKind, CreditStatus, InvoiceStatus, PaymentStatus
from models.cash.records import CustomerCredit, Payment, PaymentApplication


@answer
class ApplicationAnswer:
    """What one session applied to one invoice, in both currencies, and what it settled beside it (`adjustments`).
    `credit_id`: the customer credit that paid."""

    id: str
    invoice_id: str
    applied_minor: int
    currency_code: str
    invoice_applied_minor: int
    invoice_currency_code: str
    fx_rate: Decimal
    credit_id: str | None
    applied_at: datetime
    unapplied_at: datetime | None
    adjustments: Sequence[AdjustmentAnswer]


def application_answer(a: PaymentApplication, adjustments: Iterable[Adjustment] = ()) -> ApplicationAnswer:
    return ApplicationAnswer(
        id=a.id,
        invoice_id=a.invoice_id,
        applied_minor=a.applied_minor,
        currency_code=a.currency_code,
        invoice_applied_minor=a.invoice_applied_minor,
        invoice_currency_code=a.invoice_currency_code,
        fx_rate=a.fx_rate,
        credit_id=a.credit_id,
        applied_at=a.created_at,
        unapplied_at=a.unapplied_at,
        adjustments=[adjustment_answer(x) for x in adjustments],
    )


@answer
class BankTextAnswer:
    """What a bank said of a line, in one place of its format."""

    field: str
    text: str


@answer
class PaymentAnswer:
    """A customer payment as it stands. `invoice_currency_code` is null until applied, and where sessions differ;
    `unapplied_minor` and `available_minor` are 0 once REVERSED."""

    id: str
    status: PaymentStatus
    external_id: str
    customer_id: str | None
    legal_entity_id: str
    bank_account_id: str
    payment_date: date
    amount_minor: int
    applied_minor: int
    unapplied_minor: int
    available_minor: int
    currency_code: str
    invoice_currency_code: str | None
    method: str | None
    reference: str | None
    remittance_text: str | None
    payer: str | None
    statement_id: str | None
    statement_line: int | None
    bank_texts: Sequence[BankTextAnswer]
    functional_currency: str
    functional_amount_minor: int
    fx_rate: Decimal
    reversal_date: date | None
    reversal_reason: str | None
    applications: Sequence[ApplicationAnswer]
    created_at: datetime


def payment_answer(
    p: Payment, applications: Iterable[PaymentApplication], bank_texts: Iterable[BankText] = (),
    adjustments: Iterable[Adjustment] = (),
) -> PaymentAnswer:  # fmt: skip
    """The payment with all its applications, the undone ones too."""
    lines, beside = list(applications), by_application(adjustments)
    live = {a.invoice_currency_code for a in lines if a.unapplied_at is None}
    return PaymentAnswer(
        id=p.id,
        status=p.status,
        external_id=p.external_id,
        customer_id=p.customer_id,
        legal_entity_id=p.legal_entity_id,
        bank_account_id=p.bank_account_id,
        payment_date=p.payment_date,
        amount_minor=p.amount_minor,
        applied_minor=p.applied_minor,
        unapplied_minor=p.unapplied_minor,
        available_minor=p.available_minor,
        currency_code=p.currency_code,
        invoice_currency_code=live.pop() if len(live) == 1 else None,
        method=p.method,
        reference=p.reference,
        remittance_text=p.remittance_text,
        payer=p.payer,
        statement_id=p.statement_id,
        statement_line=p.statement_line,
        bank_texts=[BankTextAnswer(field=text.field, text=text.text) for text in bank_texts],
        functional_currency=p.functional_currency,
        functional_amount_minor=p.functional_amount_minor,
        fx_rate=p.fx_rate,
        reversal_date=p.reversal_date,
        reversal_reason=p.reversal_reason,
        applications=[application_answer(a, beside.get(a.id, ())) for a in lines],
        created_at=p.created_at,
    )


@answer
class InvoiceBalanceAnswer:
    """An invoice as a session left it."""

    id: str
    status: InvoiceStatus
    balance_due_minor: int


@answer
class SessionAnswer:
    """An application session: what it applied, the payment and the invoices afterwards, and what its customer still owes.
    `credit_id`: the credit that holds the remainder; `deductions`: what was left out of it and is disputed; `journal_entry`:
    what a dry run would post, else null."""

    payment_id: str
    session_id: str
    applied_count: int
    unapplied_minor: int
    available_minor: int
    status: PaymentStatus
    journal_entry_id: str | None
    applications: Sequence[ApplicationAnswer]
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]
    credit_id: str | None
    journal_entry: JournalEntryAnswer | None
    adjustments: Sequence[AdjustmentAnswer]
    credit_notes: Sequence[CreditNoteApplicationAnswer]
    deductions: Sequence[DeductionAnswer]


def session_answer(
    p: Payment,
    session_id: str,
    applications: Sequence[PaymentApplication],
    adjustments: Sequence[Adjustment],
    credited: Sequence[CreditNoteApplication],
    deducted: Sequence[Deduction],
    invoices: Sequence[InvoiceBalanceAnswer],
    owed: Sequence[CurrencyAmountAnswer],
    *,
    journal_entry_id: str | None,
    credit_id: str | None,
    would_post: JournalEntry | None = None,
) -> SessionAnswer:
    """The one place where a session's answer is made: the first, a replay's and a dry run's."""
    beside = by_application(adjustments)
    return SessionAnswer(
        payment_id=p.id,
        session_id=session_id,
        applied_count=len(applications),
        unapplied_minor=p.unapplied_minor,
        available_minor=p.available_minor,
        status=p.status,
        journal_entry_id=journal_entry_id,
        applications=[application_answer(a, beside.get(a.id, ())) for a in applications],
        adjustments=[adjustment_answer(a) for a in adjustments],
        credit_notes=[credit_note_application_answer(a) for a in credited],
        deductions=[deduction_answer(d) for d in deducted],
        invoices=invoices,
        outstanding_balances=owed,
        credit_id=credit_id,
        journal_entry=journal_entry_answer(would_post) if would_post else None,
    )


@answer
class UnapplicationAnswer:
    """One application undone with its adjustments, and its payment and invoice afterwards."""

    id: str
    payment_id: str
    invoice_id: str
    applied_minor: int
    currency_code: str
    unapplied_at: datetime
    effective_date: date
    status: PaymentStatus
    unapplied_minor: int
    available_minor: int
    journal_entry_id: str
    invoices: Sequence[InvoiceBalanceAnswer]
    outstanding_balances: Sequence[CurrencyAmountAnswer]
    adjustments: Sequence[AdjustmentAnswer]


@answer
class ReversalAnswer(PaymentAnswer):
    """A reversed payment, its reversing entry (null where nothing had been posted), and the invoices it had paid."""

    journal_entry_id: str | None
    invoices: Sequence[InvoiceBalanceAnswer]


@answer
class CustomerCreditAnswer:
    """The remainder of a payment: `customer_credit` is held apart, `unapplied_cash` is a record of what is left on it."""

    id: str
    kind: CreditKind
    status: CreditStatus
    payment_id: str
    customer_id: str
    legal_entity_id: str
    amount_minor: int
    remaining_minor: int
    currency_code: str
    created_at: datetime


def credit_answer(c: CustomerCredit) -> CustomerCreditAnswer:
    return CustomerCreditAnswer(
        id=c.id,
        kind=c.kind,
        status=c.status,
        payment_id=c.payment_id,
        customer_id=c.customer_id,
        legal_entity_id=c.legal_entity_id,
        amount_minor=c.amount_minor,
        remaining_minor=c.remaining_minor,
        currency_code=c.currency_code,
        created_at=c.created_at,
    )


def reversal_answer(
    payment: PaymentAnswer, journal_entry_id: str | None, invoices: Sequence[InvoiceBalanceAnswer]
) -> ReversalAnswer:
    return answer_from(ReversalAnswer, payment, journal_entry_id=journal_entry_id, invoices=invoices)
