"""A bank statement as the API shows it. Amounts in minor units of the currency beside them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from models.answers import JsonObject, WarningAnswer, answer
from models.cash.answers import BankTextAnswer
from models.cash.matching import Suggestion, SuggestionReason
from models.cash.statement_records import BankStatementLine, CountedStatement, LineStatus, StatementStatus
from models.messages.statements import statement_workflow_id


@answer
class SuggestionAnswer:
    """An open invoice that a person may want for a line that was not applied."""

    invoice_id: str
    external_id: str
    customer_id: str
    balance_due_minor: int
    currency_code: str
    reason: SuggestionReason


@answer
class StatementLineAnswer:
    """A line of a bank statement and what became of it; debits are below zero. `bank_texts`: all that the bank said.
    `possible_payments`: payments recorded by hand that the line may be; `matched_later`: it found its invoices after the
    statement was worked off."""

    line: int
    status: LineStatus
    reason_code: str | None
    payment_id: str | None
    possible_payments: Sequence[str]
    matched_later: bool
    suggestions: Sequence[SuggestionAnswer]
    booking_date: date
    value_date: date | None
    amount_minor: int
    currency_code: str
    payer: str | None
    reference: str | None
    remittance_text: str | None
    structured_references: Sequence[str]
    bank_reference: str | None
    bank_texts: Sequence[BankTextAnswer]


@answer
class StatementAnswer:
    """A bank statement, and how many of its lines have become what so far. `lines` are shown where one statement is asked
    for, that line alone where one was worked on, else null; `workflow_id`: the process that works them off."""

    id: str
    status: StatementStatus
    bank_account_id: str
    workflow_id: str
    lines_total: int
    lines_done: int
    recorded: int
    applied: int
    unmatched: int
    duplicates: int
    possible_duplicates: int
    linked: int
    failed: int
    ignored: int
    matched_later: int
    warnings: Sequence[WarningAnswer]
    opening_minor: int | None
    closing_minor: int | None
    failure: JsonObject | None
    created_at: datetime
    lines: Sequence[StatementLineAnswer] | None


def statement_answer(s: CountedStatement, lines: Iterable[BankStatementLine] | None = None) -> StatementAnswer:
    """The statement as it stands, with its lines where they are given."""
    return StatementAnswer(
        id=s.id,
        status=s.status,
        bank_account_id=s.bank_account_id,
        workflow_id=statement_workflow_id(s.id),
        lines_total=s.lines_total,
        lines_done=s.lines_done,
        recorded=s.counts.recorded,
        applied=s.counts.applied,
        unmatched=s.counts.unmatched,
        duplicates=s.counts.duplicates,
        possible_duplicates=s.counts.possible_duplicates,
        linked=s.counts.linked,
        failed=s.counts.failed,
        ignored=s.counts.ignored,
        matched_later=s.counts.matched_later,
        warnings=[WarningAnswer(code=w.code, detail=w.detail) for w in s.warnings],
        opening_minor=s.opening_minor,
        closing_minor=s.closing_minor,
        failure=s.failure,
        created_at=s.created_at,
        lines=None if lines is None else [_line_answer(x) for x in lines],
    )


def _line_answer(x: BankStatementLine) -> StatementLineAnswer:
    return StatementLineAnswer(
        line=x.line,
        status=x.status,
        reason_code=x.reason_code,
        payment_id=x.payment_id,
        possible_payments=x.possible_payments,
        matched_later=x.matched_later,
        suggestions=[_suggestion_answer(s) for s in x.suggestions],
        booking_date=x.booking_date,
        value_date=x.value_date,
        amount_minor=x.amount_minor,
        currency_code=x.currency_code,
        payer=x.payer,
        reference=x.shown_reference,
        remittance_text=x.remittance_text,
        structured_references=x.structured_references,
        bank_reference=x.bank_ref,
        bank_texts=[BankTextAnswer(field=text.field, text=text.text) for text in x.texts],
    )


def _suggestion_answer(s: Suggestion) -> SuggestionAnswer:
    return SuggestionAnswer(
        invoice_id=s.invoice_id,
        external_id=s.external_id,
        customer_id=s.customer_id,
        balance_due_minor=s.balance_due_minor,
        currency_code=s.currency_code,
        reason=s.reason,
    )
