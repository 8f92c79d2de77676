"""What is taken of a bank's file: the statements in it, as the readers understood them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from models.cash.bank_texts import BankText, Role
from models.cash.statement_records import LineStatus
from models.cash.statements import (
    LineNumbering,
    Statement,
    StatementLine,
    StatementWarning,
    line_external_id,
    line_external_id_before,
)
from models.invisible import file_name
from models.values import Body, Choice, IsoDate, Minor, RecordId

RETURNED = "RECEIPT_RETURNED"


class ReadText(Body):
    """One text of a line, and what its format may have done to it."""

    field: str
    text: str
    role: Choice[Role]
    seams: list[int]
    cut: bool
    amount_minor: Minor | None = None
    currency_code: str | None = None

    def as_text(self) -> BankText:
        return BankText(
            self.field, self.text, self.role, tuple(self.seams), self.cut, self.amount_minor, self.currency_code
        )


class ReadLine(Body):
    """A line of a file. `status`: what it is before anything is done with it, and `reason_code` why it is ignored."""

    booking_date: IsoDate
    value_date: IsoDate
    amount_minor: Minor
    currency_code: str
    payer: str | None
    reference: str | None
    remittance_text: str | None
    structured_references: list[str]
    bank_ref: str | None
    texts: list[ReadText]
    external_id: str
    external_id_before: str | None
    status: Choice[LineStatus]
    reason_code: str | None
    entry_ref: str | None = None
    entry_minor: Minor | None = None


class ReadWarning(Body):
    """Something in the file that a person should see."""

    code: str
    detail: str

    def as_warning(self) -> StatementWarning:
        return StatementWarning(self.code, self.detail)


class ReadStatement(Body):
    """One statement of a file. `account_ref`: the account as the file names it, null where it does not; balances in minor
    units of `currency_code`."""

    account_ref: str | None
    currency_code: str | None
    opening_minor: Minor | None
    closing_minor: Minor | None
    warnings: list[ReadWarning]
    lines: list[ReadLine]


class ReceiveStatement(Body):
    """A bank's file, sent for one account: its statements in their order. `format`: the description it was read by."""

    bank_account_id: str
    file_hash: str
    file_name: str | None
    statements: list[ReadStatement]
    format: str | None = None


class RetryLine(Body):
    """Which line of a statement is worked again. `another_payment`: it is no payment that was recorded by hand."""

    line: int
    another_payment: bool = False


class RetryStatementLine(Body):
    """`another_payment`: the line only looks like a payment recorded by hand, and is recorded all the same."""

    another_payment: bool = False


class LinkStatementLine(Body):
    """The payment recorded by hand that the line is."""

    payment_id: RecordId


class LinkLine(Body):
    """Which line of a statement is which payment."""

    line: int
    payment_id: RecordId


def as_received(
    bank_account_id: str, content: bytes, filename: str | None, read: Sequence[Statement], format: str | None = None
) -> ReceiveStatement:
    """What the operation takes of a file that the readers have understood."""
    return ReceiveStatement(
        bank_account_id=bank_account_id,
        file_hash=hashlib.sha256(content).hexdigest(),
        file_name=file_name(filename),
        format=format,
        statements=[
            ReadStatement(
                account_ref=s.account_ref,
                currency_code=s.currency_code,
                opening_minor=s.opening_minor,
                closing_minor=s.closing_minor,
                warnings=[ReadWarning(code=w.code, detail=w.detail) for w in s.warnings],
                lines=[_as_received(bank_account_id, x) for x in s.lines],
            )
            for s in _told_apart_by_account(read)
        ],
    )


def _told_apart_by_account(read: Sequence[Statement]) -> Sequence[Statement]:
    """Identical lines are told apart within an account, not within the file: its other accounts may be left out."""
    if len({s.account_ref for s in read}) < 2:
        return read
    numbering = {s.account_ref: LineNumbering() for s in read}
    return [replace(s, lines=tuple(numbering[s.account_ref].number(x) for x in s.lines)) for s in read]


def _as_received(bank_account_id: str, x: StatementLine) -> ReadLine:
    return ReadLine(
        booking_date=x.booking_date,
        value_date=x.value_date,
        amount_minor=x.amount_minor,
        currency_code=x.currency_code,
        payer=x.payer,
        reference=x.reference,
        remittance_text=x.remittance_text,
        structured_references=list(x.structured_references),
        bank_ref=x.bank_ref,
        texts=_texts(x.all_texts),
        external_id=line_external_id(bank_account_id, x),
        external_id_before=line_external_id_before(bank_account_id, x),
        status=LineStatus.PENDING if x.is_receipt else LineStatus.IGNORED,
        reason_code=_why_ignored(x),
        entry_ref=x.entry_ref,
        entry_minor=x.entry_minor,
    )


def _texts(texts: Iterable[BankText]) -> list[ReadText]:
    return [
        ReadText(
            field=t.field, text=t.text, role=t.role, seams=list(t.seams), cut=t.cut, amount_minor=t.amount_minor,
            currency_code=t.currency_code,
        )
        for t in texts
    ]  # fmt: skip


def _why_ignored(x: StatementLine) -> str | None:
    """A reversing credit is our own payment given back; a reversing debit takes back what a customer had paid."""
    if x.is_receipt:
        return None
    if x.amount_minor > 0:
        return "REVERSAL"
    return RETURNED if x.reversal else "NOT_A_CREDIT"
