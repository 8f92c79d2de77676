"""What aging and the reports answer. Amounts in minor units of the currency beside them; `control` ties a report to the
ledger: what the ledger says is what the report says, plus the timing differences, plus `difference_minor`, which must be 0.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from models.answers import answer
from models.cash.aging import Aged
from models.cash.ledger import Account
from models.cash.open_items import OpenItem


@answer
class AgingFigures:
    """Open balances by days past due, gross of credits: fewer than 30 (`current`: not yet due, or 1 to 29 days over),
    30 to 59, 60 to 89, 90 and more. `credit_notes_minor`: what credit notes take back that no invoice has taken yet;
    `net_minor` is the total less that, and less what is unapplied and in credits."""

    current_minor: int
    days_30_minor: int
    days_60_minor: int
    days_90plus_minor: int
    not_due_minor: int
    overdue_1_29_minor: int
    total_minor: int
    unapplied_minor: int
    credits_minor: int
    credit_notes_minor: int
    net_minor: int
    disputed_minor: int


@answer
class CurrencyAgingAnswer(AgingFigures):
    """What is open in one currency, untranslated."""

    currency_code: str


def by_currency(aged: Mapping[str, Aged]) -> list[CurrencyAgingAnswer]:
    """The figures of each currency, in the order of their codes."""
    return [CurrencyAgingAnswer(currency_code=code, **aged[code].as_dict()) for code in sorted(aged)]


@answer
class AgedInvoiceAnswer:
    """An open invoice in its bucket. Balances in its own currency and in its legal entity's functional one."""

    id: str
    external_id: str
    legal_entity_id: str
    issue_date: date
    due_date: date
    days_past_due: int
    bucket: Literal["current", "days_30", "days_60", "days_90plus"]
    currency_code: str
    total_minor: int
    balance_due_minor: int
    functional_currency: str
    functional_balance_minor: int
    disputed: bool
    disputed_minor: int


def aged_invoice_answer(i: OpenItem, day: date) -> AgedInvoiceAnswer:
    """The invoice as it stands on that day."""
    return AgedInvoiceAnswer(
        id=i.id,
        external_id=i.external_id,
        legal_entity_id=i.legal_entity_id,
        issue_date=i.issue_date,
        due_date=i.due_date,
        days_past_due=max(i.days_past_due(day), 0),
        bucket=i.bucket(day),
        currency_code=i.currency_code,
        total_minor=i.total_minor,
        balance_due_minor=i.balance_due_minor,
        functional_currency=i.functional_currency,
        functional_balance_minor=i.functional_balance_minor,
        disputed=i.disputed,
        disputed_minor=i.disputed_minor,
    )


@answer
class AgingAnswer(AgingFigures):
    """What a customer owes on a day, in buckets, in one currency; `by_currency` untranslated. `known_at`: the moment that
    what counts was recorded by, null for now."""

    customer_id: str
    as_of: date
    known_at: datetime | None
    currency_code: str
    invoices: Sequence[AgedInvoiceAnswer]
    by_currency: Sequence[CurrencyAgingAnswer]


@answer
class EntityAgingAnswer(AgingFigures):
    """What is owed to one legal entity, in its functional currency."""

    legal_entity_id: str
    currency_code: str


@answer
class CustomerAgingAnswer(AgingFigures):
    """What one customer owes to one legal entity, in its functional currency; `by_currency` untranslated."""

    legal_entity_id: str
    customer_id: str
    customer_name: str | None
    currency_code: str
    by_currency: Sequence[CurrencyAgingAnswer]


@answer
class AgingTimingAnswer:
    """A movement of receivables that aging and the ledger count on different days."""

    kind: Literal[
        "invoice",
        "void",
        "application",
        "undone_application",
        "adjustment",
        "undone_adjustment",
        "write_off",
        "undone_write_off",
        "credit_note",
        "credit_note_void",
        "credit_note_application",
        "undone_credit_note_application",
    ]
    record_id: str
    effective_date: date
    entry_date: date
    minor: int


@answer
class AgingControlAnswer:
    """The control account of one legal entity beside its aging; of the timing differences the first 500 are named."""

    legal_entity_id: str
    currency_code: str
    account: Account
    ledger_minor: int
    aging_minor: int
    timing_minor: int
    timing_count: int
    timing_differences: Sequence[AgingTimingAnswer]
    difference_minor: int


@answer
class ArAgingReportAnswer:
    """Every customer's receivables in buckets, the totals of each legal entity, and their tie to the ledger. `customers`: how
    many there are, of whom `items` shows all, or as many as were asked for. A customer is counted once per legal entity."""

    as_of: date
    customers: int
    items: Sequence[CustomerAgingAnswer]
    totals: Sequence[EntityAgingAnswer]
    control: Sequence[AgingControlAnswer]


@answer
class AccountBalances:
    """A balance on the side where it stands, and the sums of both sides."""

    debit_minor: int
    credit_minor: int
    balance_minor: int
    turnover_debit_minor: int
    turnover_credit_minor: int


@answer
class AccountBalanceAnswer(AccountBalances):
    """An account of one legal entity, in its functional currency."""

    legal_entity_id: str
    currency_code: str
    account: str
    code: str
    name: str
    kind: str


@answer
class EntityBalanceAnswer(AccountBalances):
    """The sums of one legal entity's accounts, in its functional currency."""

    legal_entity_id: str
    currency_code: str


@answer
class TrialBalanceAnswer:
    """Every account with its balance, per legal entity."""

    as_of: date
    items: Sequence[AccountBalanceAnswer]
    totals: Sequence[EntityBalanceAnswer]


@answer
class UnappliedPaymentAnswer:
    """A payment with money left, unapplied or in credits, in its currency and in its legal entity's functional one."""

    payment_id: str
    external_id: str
    customer_id: str | None
    customer_name: str | None
    legal_entity_id: str
    payment_date: date
    age_days: int
    currency_code: str
    amount_minor: int
    unapplied_minor: int
    credits_minor: int
    functional_currency: str
    functional_unapplied_minor: int
    functional_credits_minor: int


@answer
class UnappliedTotalAnswer:
    """What is left of one legal entity's payments, in its functional currency."""

    legal_entity_id: str
    currency_code: str
    unapplied_minor: int
    credits_minor: int


@answer
class UnappliedTimingAnswer:
    """A payment that the report and the ledger count on different days; `not_posted`: no entry carries it yet."""

    kind: Literal["entry_date", "not_posted"]
    payment_id: str
    minor: int


@answer
class UnappliedControlAnswer:
    """An account of one legal entity beside the report; of the timing differences the first 500 are named."""

    legal_entity_id: str
    currency_code: str
    account: Account
    ledger_minor: int
    report_minor: int
    timing_minor: int
    timing_count: int
    timing_differences: Sequence[UnappliedTimingAnswer]
    difference_minor: int


@answer
class UnappliedCashReportAnswer:
    """Money received and not yet applied, the totals of each legal entity, and their tie to the ledger."""

    as_of: date
    items: Sequence[UnappliedPaymentAnswer]
    totals: Sequence[UnappliedTotalAnswer]
    control: Sequence[UnappliedControlAnswer]


@answer
class MovedReceivablesAnswer:
    """How one legal entity's receivables moved, in its functional currency, by entry date:
    opening + invoices - applications - adjustments - credit notes + fx + difference = closing, and the difference must be 0.
    `invoices_minor` is issued less voided, `credit_notes_minor` likewise, `applications_minor` applied less undone,
    `adjustments_minor` likewise; `fx_minor` is the realised gain, negative for a loss."""

    legal_entity_id: str
    currency_code: str
    opening_minor: int
    invoices_minor: int
    applications_minor: int
    adjustments_minor: int
    credit_notes_minor: int
    fx_minor: int
    closing_minor: int
    difference_minor: int
    issued_minor: int
    voided_minor: int
    applied_minor: int
    undone_minor: int


@answer
class ArRollForwardAnswer:
    """How receivables moved from the first day to the last, both included."""

    from_: Annotated[date, Field(alias="from")]
    to: date
    items: Sequence[MovedReceivablesAnswer]
