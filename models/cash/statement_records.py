"""Bank statements and their lines as they are kept. Amounts in signed minor units, credits above zero; times in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from models.answers import JsonObject
from models.cash.bank_texts import BankText
from models.cash.matching import Suggestion
from models.cash.statements import StatementWarning


class StatementStatus(StrEnum):
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class LineStatus(StrEnum):
    """What became of a line. DUPLICATE: it is the payment that another statement recorded; LINKED: a payment recorded by
    hand; POSSIBLE_DUPLICATE: it may be one, a person says; IGNORED: no receipt."""

    PENDING = "PENDING"
    APPLIED = "APPLIED"
    UNMATCHED = "UNMATCHED"
    DUPLICATE = "DUPLICATE"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    LINKED = "LINKED"
    FAILED = "FAILED"
    IGNORED = "IGNORED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    """A bank's file for one account. `lines_done`: how many of its lines have been worked off."""

    id: str
    bank_account_id: str
    file_hash: str
    file_name: str | None
    status: StatementStatus = StatementStatus.PROCESSING
    failure: JsonObject | None = None
    opening_minor: int | None
    closing_minor: int | None
    lines_total: int
    lines_done: int = 0
    warnings: Sequence[StatementWarning]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class LineCounts:
    """How many lines of a statement became what. `matched_later`: of the applied, those that found their invoices late."""

    recorded: int
    applied: int
    unmatched: int
    duplicates: int
    possible_duplicates: int
    linked: int
    failed: int
    ignored: int
    matched_later: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedStatement(BankStatement):
    """A statement, and what has become of its lines so far."""

    counts: LineCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatementLine:
    """A line of a kept statement, numbered from 1. `texts`: all that the bank said of it. `external_id`: that of the
    payment that it becomes; `external_id_before`: the one it has where an earlier build recorded it. `entry_ref` and
    `entry_minor`: the bank's reference and signed amount of the batch that it is a part of. `possible_payments`: payments
    that it may be."""

    statement_id: str
    line: int
    booking_date: date
    value_date: date | None
    amount_minor: int
    currency_code: str
    payer: str | None
    reference: str | None
    remittance_text: str | None
    structured_references: Sequence[str]
    bank_ref: str | None
    texts: Sequence[BankText]
    external_id: str
    external_id_before: str | None
    status: LineStatus
    reason_code: str | None
    payment_id: str | None = None
    suggestions: Sequence[Suggestion] = ()
    entry_ref: str | None = None
    entry_minor: int | None = None
    matched_later: bool = False
    possible_payments: Sequence[str] = ()

    @property
    def shown_reference(self) -> str | None:
        """The payer's own reference; where there is none, the first that the remittance names."""
        return self.reference or next(iter(self.structured_references), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOutcome:
    """What becomes of a line that was worked off, and what a person may want to pick where nothing was applied.
    `waiting_for`: the reference keys by which an invoice that comes later may answer it."""

    statement_id: str
    line: int
    status: LineStatus
    reason_code: str | None = None
    payment_id: str | None = None
    suggestions: Sequence[Suggestion] = ()
    matched_later: bool = False
    possible_payments: Sequence[str] = ()
    waiting_for: Sequence[str] | None = None
