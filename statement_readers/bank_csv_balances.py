"""Running balances of a bank's CSV, held against its amounts: an amount read wrongly shows."""

from collections.abc import Sequence
from dataclasses import replace

from models.cash.statements import BALANCE_DIFFERENCE, Statement, StatementWarning


def with_balances(statement: Statement, balances: Sequence[int | None]) -> Statement:
    """The statement with its opening and closing balance, where each line has a running one: in the order of the file, or the
    newest first. A warning where the balances do not follow from the amounts in either."""
    known = [balance for balance in balances if balance is not None]
    amounts = [line.amount_minor for line in statement.lines]
    if not amounts or len(known) != len(amounts) or statement.currency_code is None:
        return statement
    if _follows(known, amounts):
        return replace(statement, opening_minor=known[0] - amounts[0], closing_minor=known[-1])
    if _follows(known[::-1], amounts[::-1]):
        return replace(statement, opening_minor=known[-1] - amounts[-1], closing_minor=known[0])
    detail = "The running balances do not follow from the amounts, neither from the first line nor from the last."
    return replace(statement, warnings=(*statement.warnings, StatementWarning(BALANCE_DIFFERENCE, detail)))


def _follows(balances: Sequence[int], amounts: Sequence[int]) -> bool:
    return all(balances[n] == balances[n - 1] + amounts[n] for n in range(1, len(amounts)))
