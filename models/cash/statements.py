"""Bank statements as the readers hand them over, and the identity of a statement line.

A statement line is identified by what the bank says about it, never by its place in a file: the same line in Monday's
file and in the week's file is one line. Lines that are identical to the letter within one file are told apart by their
occurrence (first, second, ...). Amounts are signed int64 minor units of the line's currency, credits above zero.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from models.cash.bank_texts import BankText, plain_texts
from models.money import spelt

MAX_LINES = 200_000
"""Lines that one file may hold; beyond it the file is refused rather than held in memory."""

BALANCE_DIFFERENCE = "STATEMENT_BALANCE_DIFFERENCE"
ENTRY_IGNORED = "STATEMENT_ENTRY_IGNORED"
BATCH_NOT_SPLIT = "STATEMENT_BATCH_NOT_SPLIT"
DATE_ADJUSTED = "STATEMENT_DATE_ADJUSTED"
ENCODING_GUESSED = "STATEMENT_ENCODING_GUESSED"
CONTROL_TOTAL_DIFFERENCE = "STATEMENT_CONTROL_TOTAL_DIFFERENCE"
NOT_FINAL = "STATEMENT_NOT_FINAL"


@dataclass(frozen=True, slots=True)
class StatementWarning:
    """Something in a readable file that a person should see. Never quotes names or texts of the file."""

    code: str
    detail: str


class ReadBefore(NamedTuple):
    """What earlier builds read of a line where it is read otherwise now."""

    payer: str | None
    reference: str | None
    remittance_text: str | None
    bank_ref: str | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement on the account. `line` counts from 1 through the whole file, also when it holds several statements.

    `reversal` marks a movement that undoes an earlier one: a reversing credit gives our own payment back and is no
    customer's receipt; a reversing debit takes an earlier receipt back. `texts` is all that the bank said, the searched
    and the shown; a line made without them has what its other fields say. `read_before` differs from what is read now
    where earlier builds read the line otherwise: by it a payment is found that one of them recorded. `entry_ref` and
    `entry_minor`: of a part of a batch, the bank's reference of the whole and its signed amount.
    """

    line: int
    booking_date: date
    value_date: date
    amount_minor: int
    currency_code: str
    payer: str | None = None
    reference: str | None = None
    remittance_text: str | None = None
    structured_references: tuple[str, ...] = ()
    bank_ref: str | None = None
    occurrence: int = 1
    reversal: bool = False
    entry_ref: str | None = field(default=None, compare=False)
    entry_minor: int | None = field(default=None, compare=False)
    texts: tuple[BankText, ...] = field(default=(), compare=False)
    read_before: ReadBefore | None = field(default=None, compare=False)
    occurrence_before: int = field(default=1, compare=False)

    @property
    def all_texts(self) -> tuple[BankText, ...]:
        return self.texts or plain_texts(self.reference, self.remittance_text, self.structured_references)

    @property
    def is_receipt(self) -> bool:
        """Money that came in from somebody else: what is recorded as a customer payment."""
        return self.amount_minor > 0 and not self.reversal


@dataclass(frozen=True, slots=True)
class Statement:
    """What one bank says about one account over one period.

    `account_ref` is the account as the file names it (IBAN or the bank's own number), None where it does not (CSV).
    `currency_code` is None where the lines are in several currencies or there is nothing to tell it from.
    """

    account_ref: str | None
    statement_ref: str | None
    currency_code: str | None
    opening_minor: int | None
    closing_minor: int | None
    from_date: date | None
    to_date: date | None
    lines: tuple[StatementLine, ...]
    warnings: tuple[StatementWarning, ...] = ()


_encode = json.JSONEncoder(separators=(",", ":")).encode


def line_content(line: StatementLine, read: ReadBefore | None = None) -> bytes:
    """The canonical text of what the bank says about a line, without its place in the file; as `read` where given."""
    payer, reference, text, bank_ref = read or (line.payer, line.reference, line.remittance_text, line.bank_ref)
    content = [
        line.booking_date.isoformat(),
        line.value_date.isoformat(),
        str(line.amount_minor),
        line.currency_code,
        payer,
        reference,
        text,
        list(line.structured_references),
        bank_ref,
        line.reversal,
    ]
    return _encode(content).encode()


def line_external_id(bank_account_id: str, line: StatementLine) -> str:
    """The external_id of the payment that a line becomes: equal for the same line however often it is delivered."""
    return _external_id(bank_account_id, line.occurrence, line_content(line))


def line_external_id_before(bank_account_id: str, line: StatementLine) -> str | None:
    """The external_id that an earlier build gave the line, where it read it otherwise."""
    if line.read_before is None:
        return None
    return _external_id(bank_account_id, line.occurrence_before, line_content(line, line.read_before))


def _external_id(bank_account_id: str, occurrence: int, content: bytes) -> str:
    digest = hashlib.sha256(_encode([bank_account_id, occurrence]).encode())
    digest.update(content)
    return f"bankline_{digest.hexdigest()[:40]}"


class LineNumbering:
    """Numbers the lines of one file and tells identical ones apart. One per file."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()
        self._seen_before: Counter[bytes] = Counter()
        self._count = 0

    @property
    def count(self) -> int:
        return self._count

    def number(self, line: StatementLine) -> StatementLine:
        """The line with its place in the file and its occurrence."""
        key = hashlib.sha256(line_content(line)).digest()
        before = key if line.read_before is None else hashlib.sha256(line_content(line, line.read_before)).digest()
        self._seen[key] += 1
        self._seen_before[before] += 1
        self._count += 1
        return replace(line, line=self._count, occurrence=self._seen[key], occurrence_before=self._seen_before[before])


def with_balance_check(statement: Statement) -> Statement:
    """The statement, with a warning where opening balance plus lines is not the closing balance."""
    opening, closing, currency = statement.opening_minor, statement.closing_minor, statement.currency_code
    if opening is None or closing is None or currency is None:
        return statement
    moved = sum(line.amount_minor for line in statement.lines if line.currency_code == currency)
    if opening + moved == closing:
        return statement
    detail = (
        f"Opening balance {spelt(opening, currency)} plus lines {spelt(moved, currency)} is "
        f"{spelt(opening + moved, currency)}, but the closing balance is {spelt(closing, currency)} "
        f"(difference {spelt(closing - opening - moved, currency)})."
    )
    return replace(statement, warnings=(*statement.warnings, StatementWarning(BALANCE_DIFFERENCE, detail)))
