"""Lines of a bank statement worked again: those that failed, those that wait for a person, those that no invoice answered."""

from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_records import BankStatement, BankStatementLine, LineStatus
from models.cash.statement_requests import RetryLine
from models.db import lookups
from models.db.cash import line_identity, statements
from models.errors import Refusal
from models.master_data.records import BankAccount
from operations.cash.line_matching import match_again
from operations.cash.statement_lines import Chunk
from operations.runner import operation
from operations.work import Outcome, Work

WORKED_AGAIN = "LINE_WORKED_AGAIN"


@operation("retry_statement_line", RetryLine, StatementAnswer)
def retry_statement_line(work: Work, asked: RetryLine) -> Outcome[StatementAnswer]:
    """Record a line that failed, or that is no payment recorded by hand after all; match one again that no invoice answered.
    Any other stays as it is."""
    statement, bank, line = locked_line(work, str(work.cmd.resource_id), asked.line)
    if line.status in (LineStatus.FAILED, LineStatus.POSSIBLE_DUPLICATE):
        record_again(work, statement, bank, line, another_payment=asked.another_payment)
    elif line.status is LineStatus.UNMATCHED and line.payment_id is not None:
        match_again(work, bank, line, line.payment_id)
    return Outcome(one_line(work, statement.id, line.line), 202)


def locked_line(work: Work, statement_id: str, number: int) -> tuple[BankStatement, BankAccount, BankStatementLine]:
    """The line of a statement that is locked, with its bank account. Refusals STATEMENT_NOT_FOUND, STATEMENT_LINE_NOT_FOUND."""
    statement = statements.lock(work.tx, statement_id)
    bank = lookups.bank_account(work.tx, statement.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    line = statements.line_of(work.tx, statement.id, number)
    if line is None:
        raise Refusal("STATEMENT_LINE_NOT_FOUND", f"Statement {statement.id} has no line {number}.")
    return statement, bank, line


def one_line(work: Work, statement_id: str, number: int) -> StatementAnswer:
    """The statement as it stands, with the line that was worked on."""
    line = statements.line_of(work.tx, statement_id, number)
    return statement_answer(statements.get(work.tx, statement_id), [line] if line else [])


def record_again(
    work: Work, statement: BankStatement, bank: BankAccount, line: BankStatementLine, *, another_payment: bool = False
) -> None:
    """Record a line that is not recorded, by the rules of an upload; it may be left to a person again."""
    _settle_exceptions(work, statement, [line])
    entity = lookups.legal_entity(work.tx, bank.legal_entity_id)
    Chunk(work, statement, bank, entity).run([line], another_payment=another_payment)
    if another_payment and (now := statements.line_of(work.tx, statement.id, line.line)) and now.payment_id:
        line_identity.give_to_duplicates(work.tx, now, now.payment_id)


def work_failed_lines_again(work: Work, statement_id: str) -> None:
    """Hand the lines that failed to the statement's process again."""
    statement = statements.lock(work.tx, statement_id)
    failed = statements.take_up_failed(work.tx, statement.id)
    if failed:
        _settle_exceptions(work, statement, failed)


def _settle_exceptions(work: Work, statement: BankStatement, lines: list[BankStatementLine]) -> None:
    """What was asked of a person about lines that are not recorded is taken back: they are worked again, and may ask anew."""
    settled = statements.settle_exceptions(
        work.tx, [x.external_id for x in lines], who=work.cmd.actor, code=WORKED_AGAIN
    )
    work.audit(statement.id, "statement.retried", {"lines": [x.line for x in lines], "exceptions": settled})
