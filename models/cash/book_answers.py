"""What the books answer: journal entries, bank reconciliations, rates, periods. Amounts in minor units."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from models.answers import answer
from models.cash.ledger import JournalEntry
from models.cash.records import ExchangeRate, Period, PeriodStatus, Reconciliation, ReconciliationStatus


@answer
class JournalLineAnswer:
    """Debit or credit, in minor units of `currency_code` and of the entity's functional currency."""

    account: str
    debit_minor: int
    credit_minor: int
    currency_code: str
    functional_debit_minor: int
    functional_credit_minor: int
    customer_id: str | None
    invoice_id: str | None
    bank_account_id: str | None


@answer
class JournalEntryAnswer:
    """An entry of the ledger, balanced in the functional currency. `source_id`: the payment or invoice it was made for;
    `created_at` is null for an entry that is only shown, by a dry run."""

    id: str
    kind: str
    entry_date: date
    source_id: str
    legal_entity_id: str
    functional_currency: str
    lines: Sequence[JournalLineAnswer]
    created_at: datetime | None


def journal_entry_answer(e: JournalEntry, created_at: datetime | None = None) -> JournalEntryAnswer:
    return JournalEntryAnswer(
        id=e.id,
        kind=e.kind,
        entry_date=e.entry_date,
        source_id=e.source_id,
        legal_entity_id=e.legal_entity_id,
        functional_currency=e.functional_currency,
        lines=[
            JournalLineAnswer(
                account=line.account,
                debit_minor=line.debit_minor,
                credit_minor=line.credit_minor,
                currency_code=line.currency_code,
                functional_debit_minor=line.functional_debit_minor,
                functional_credit_minor=line.functional_credit_minor,
                customer_id=line.customer_id,
                invoice_id=line.invoice_id,
                bank_account_id=line.bank_account_id,
            )
            for line in e.lines
        ],
        created_at=created_at,
    )


@answer
class ReconciliationAnswer:
    """A bank reconciliation. Amounts in minor units of the bank account's currency; `difference_minor` is the statement's
    balance less the books', null where the statement's is not known."""

    id: str
    status: ReconciliationStatus
    bank_account_id: str
    through_date: date
    payment_ids: Sequence[str]
    currency_code: str
    statement_balance_minor: int | None
    book_balance_minor: int
    difference_minor: int | None
    created_at: datetime
    created_by: str
    completed_at: datetime | None
    completed_by: str | None
    reopened_at: datetime | None
    reopened_by: str | None
    reopen_reason: str | None


def reconciliation_answer(
    r: Reconciliation, currency_code: str, payment_ids: Sequence[str], book_balance_minor: int
) -> ReconciliationAnswer:
    """The reconciliation with its payments, beside what the books say that the bank account holds."""
    return ReconciliationAnswer(
        id=r.id,
        status=r.status,
        bank_account_id=r.bank_account_id,
        through_date=r.through_date,
        payment_ids=payment_ids,
        currency_code=currency_code,
        statement_balance_minor=r.statement_balance_minor,
        book_balance_minor=book_balance_minor,
        difference_minor=r.difference_minor(book_balance_minor),
        created_at=r.created_at,
        created_by=r.created_by,
        completed_at=r.completed_at,
        completed_by=r.completed_by,
        reopened_at=r.reopened_at,
        reopened_by=r.reopened_by,
        reopen_reason=r.reopen_reason,
    )


@answer
class ExchangeRateAnswer:
    """Units of the quote currency per one unit of the base currency (major units), as a decimal string."""

    base_currency: str
    quote_currency: str
    rate_date: date
    rate: Decimal
    source: str
    recorded_at: datetime
    recorded_by: str


def exchange_rate_answer(r: ExchangeRate) -> ExchangeRateAnswer:
    return ExchangeRateAnswer(
        base_currency=r.base,
        quote_currency=r.quote,
        rate_date=r.rate_date,
        rate=r.rate,
        source=r.source,
        recorded_at=r.recorded_at,
        recorded_by=r.recorded_by,
    )


@answer
class StoredRatesAnswer:
    """How many rates were stored."""

    stored: int


@answer
class PeriodAnswer:
    """A month that was closed once, and who changed it last."""

    period: str
    status: PeriodStatus
    changed_at: datetime
    changed_by: str


def period_answer(p: Period) -> PeriodAnswer:
    return PeriodAnswer(period=p.period, status=p.status, changed_at=p.changed_at, changed_by=p.changed_by)


@answer
class ChangedPeriodAnswer:
    """A month closed or reopened, and how many receipts were posted first."""

    period: str
    status: PeriodStatus
    receipts_posted: int
