"""Debits that give a receipt back: found when a statement arrives, and shown to a person, who reverses the payment."""

from collections.abc import Sequence
from dataclasses import replace

from models.cash.returned import strong_references
from models.cash.statement_records import BankStatementLine
from models.cash.statement_requests import RETURNED
from models.db.cash import returned
from models.db.cash.returned import Debit
from models.db.tx import Tx


def with_returns(tx: Tx, bank_account_id: str, lines: Sequence[BankStatementLine]) -> list[BankStatementLine]:
    """The lines; a debit that gives a receipt back says so, and names the payment where there is exactly one.

    The bank says so itself, or the debit is of a receipt's amount and names the invoice that it paid.
    """
    keys = {x.line: sorted(strong_references(x.texts)) for x in lines if x.amount_minor < 0}
    debits = {
        x.line: Debit(x.line, -x.amount_minor, x.currency_code, x.booking_date, keys[x.line])
        for x in lines
        if keys.get(x.line)
    }
    if not debits:
        return list(lines)
    found = returned.by_invoice(tx, bank_account_id, list(debits.values()))
    marked = [debits[x.line] for x in lines if x.reason_code == RETURNED and x.line in debits]
    receipts = {line: set(ids) for line, ids in found.items()}
    for line, payment_id, texts in returned.of_its_amount(tx, bank_account_id, marked) if marked else ():
        if not strong_references(texts).isdisjoint(keys[line]):
            receipts.setdefault(line, set()).add(payment_id)
    return [_with_return(x, receipts[x.line]) if x.line in receipts else x for x in lines]


def _with_return(x: BankStatementLine, receipts: set[str]) -> BankStatementLine:
    only = next(iter(receipts)) if len(receipts) == 1 else None
    return replace(x, reason_code=RETURNED, payment_id=only)
