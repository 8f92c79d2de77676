"""Debits that give a receipt back: found once the lines of a statement are recorded; a person reverses the payment, or, where the
organisation has chosen so and the bank says itself that it is a return, the statement does."""

from collections.abc import Sequence
from dataclasses import replace

from models.cash.requests import ReversePayment
from models.cash.returned import own_references, return_reason, strong_references
from models.cash.statement_records import BankStatement, BankStatementLine, LineOutcome, LineStatus
from models.cash.statement_requests import RETURNED
from models.db.cash import payments, returned, statements
from models.db.cash.returned import Debit, Receipt
from models.db.master_data import settings_of
from models.db.tx import Tx
from models.errors import Refusal
from models.master_data.records import BankAccount
from operations.cash.undo import withdraw
from operations.work import Work


def settle_returns(work: Work, statement: BankStatement, bank: BankAccount) -> None:
    """Say of each debit that gives a receipt back that it does, and of which payment; reverse it, or ask a person."""
    before = returned.debits_of(work.tx, statement.id)
    found = _with_returns(work.tx, bank.id, before)
    changed = [x for x, was in zip(found, before, strict=True) if x != was]
    if changed:
        statements.settle_lines(work.tx, [_outcome(x) for x in changed])
    marked = {x.line for x in before if x.reason_code == RETURNED}
    reverses = settings_of(work.tx).reverses_returns
    left = [
        x for x in found if x.reason_code == RETURNED and not (reverses and x.line in marked and _reversed(work, x))
    ]
    if left:
        work.open_exception(
            "bank_statement", RETURNED, statement.id, owner_role="ar_clerk", legal_entity_id=bank.legal_entity_id,
            detail={
                "lines": [x.line for x in left],
                "payments": {x.line: x.payment_id for x in left if x.payment_id is not None},
            },
        )  # fmt: skip


def _reversed(work: Work, x: BankStatementLine) -> bool:
    """Whether the payment that a marked return names is reversed by it."""
    if x.payment_id is None:
        return False
    held = payments.lock(work.tx, x.payment_id)
    day = max(x.booking_date, held.payment.payment_date)
    note = f"Statement {x.statement_id}, line {x.line}"
    try:
        withdraw(work, held, ReversePayment(reason_code=return_reason(x.texts), note=note, reversal_date=day))
    except Refusal:  # it is reversed already, or reconciled: before anything was written
        return False
    return True


def _outcome(x: BankStatementLine) -> LineOutcome:
    return LineOutcome(
        statement_id=x.statement_id, line=x.line, status=LineStatus.IGNORED, reason_code=x.reason_code,
        payment_id=x.payment_id,
    )  # fmt: skip


def _with_returns(tx: Tx, bank_account_id: str, lines: Sequence[BankStatementLine]) -> list[BankStatementLine]:
    """The lines; a debit that gives a receipt back says so, and names the payment where there is exactly one.

    The bank says so itself, or the debit is of a receipt's amount and names its reference, or the invoice that it paid.
    """
    keys = {x.line: strong_references(x.texts) for x in lines}
    debits = [
        Debit(x.line, -x.amount_minor, x.currency_code, x.booking_date, sorted(keys[x.line]))
        for x in lines
        if keys[x.line]
    ]
    if not debits:
        return list(lines)
    receipts = {line: set(ids) for line, ids in returned.by_invoice(tx, bank_account_id, debits).items()}
    marked = {x.line for x in lines if x.reason_code == RETURNED}
    for receipt in returned.of_its_amount(tx, bank_account_id, debits):
        if not _called(receipt, receipt.line in marked).isdisjoint(keys[receipt.line]):
            receipts.setdefault(receipt.line, set()).add(receipt.payment_id)
    return [_with_return(x, receipts[x.line]) if x.line in receipts else x for x in lines]


def _called(receipt: Receipt, marked: bool) -> frozenset[str]:
    """By what a debit may name the receipt: by whatever was said of it where the bank marks a return, else by its reference."""
    recorded_by = (receipt.reference, receipt.external_id) if receipt.by_hand else (receipt.reference,)
    own = own_references(receipt.texts, *recorded_by)
    return own | strong_references(receipt.texts) if marked else own


def _with_return(x: BankStatementLine, receipts: set[str]) -> BankStatementLine:
    only = next(iter(receipts)) if len(receipts) == 1 else None
    return replace(x, reason_code=RETURNED, payment_id=only)
