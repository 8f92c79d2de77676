"""A bank statement arrives: kept with its lines, once per file, before any of it is posted."""

from models.cash.own_account import ANOTHER_ACCOUNT, own_statements
from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_records import BankStatement, BankStatementLine
from models.cash.statement_requests import ReadLine, ReceiveStatement
from models.db import commands, lookups
from models.db.cash import statements
from models.facts import Facts
from operations import execution
from operations.cash.statement_retries import work_failed_lines_again
from operations.runner import operation
from operations.work import Outcome, Work


@operation("receive_statement", ReceiveStatement, StatementAnswer, execution.Statement())
def receive_statement(work: Work, asked: ReceiveStatement) -> Outcome[StatementAnswer]:
    """Keep what the file says of the account. The same file for the same account again is the same statement,
    and works its lines that failed again.

    Refusals STATEMENT_ACCOUNT_MISMATCH, STATEMENT_ACCOUNT_AMBIGUOUS, STATEMENT_CURRENCY_MISMATCH.
    """
    bank = lookups.bank_account(work.tx, asked.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    commands.shorten(work.tx, work.cmd.id, {"bank_account_id": bank.id, "file_hash": asked.file_hash})
    known = statements.of_file(work.tx, bank.id, asked.file_hash)
    if known is not None:
        if known.counts.failed:
            work_failed_lines_again(work, known.id)
            known = statements.get(work.tx, known.id)
        return Outcome(statement_answer(known), 202, replayed=True)
    own, warnings = own_statements(bank, asked.statements)
    lines = [x for s in own for x in s.lines]
    statement = BankStatement(
        id=str(work.cmd.resource_id),
        bank_account_id=bank.id,
        file_hash=asked.file_hash,
        file_name=asked.file_name,
        opening_minor=own[0].opening_minor if own else None,
        closing_minor=own[-1].closing_minor if own else None,
        lines_total=len(lines),
        warnings=[*(warning.as_warning() for s in own for warning in s.warnings), *warnings],
        created_at=work.now,
        created_by=work.cmd.actor,
    )
    statements.keep(work.tx, statement, [_kept(statement.id, n, x) for n, x in enumerate(lines, 1)])
    _record(work, statement, bank.legal_entity_id, asked.format)
    return Outcome(statement_answer(statements.get(work.tx, statement.id)), 202)


def _kept(statement_id: str, n: int, x: ReadLine) -> BankStatementLine:
    return BankStatementLine(
        statement_id=statement_id,
        line=n,
        booking_date=x.booking_date,
        value_date=x.value_date,
        amount_minor=x.amount_minor,
        currency_code=x.currency_code,
        payer=x.payer,
        reference=x.reference,
        remittance_text=x.remittance_text,
        structured_references=x.structured_references,
        bank_ref=x.bank_ref,
        texts=[text.as_text() for text in x.texts],
        external_id=x.external_id,
        external_id_before=x.external_id_before,
        status=x.status,
        reason_code=x.reason_code,
        entry_ref=x.entry_ref,
        entry_minor=x.entry_minor,
    )


def _record(work: Work, statement: BankStatement, entity_id: str, described: str | None) -> None:
    """The trail, and what a person should see: the file's warnings."""
    facts: Facts = {
        "bank_account_id": statement.bank_account_id,
        "file_hash": statement.file_hash,
        "lines": statement.lines_total,
        "warnings": statement.warnings,
        "format": described,
    }
    work.audit(statement.id, "statement.received", {"after": facts})
    for warning in statement.warnings:
        if warning.code == ANOTHER_ACCOUNT:
            continue  # many banks send every account in one file, every day
        work.open_exception(
            "bank_statement", warning.code, statement.id, owner_role="ar_clerk", legal_entity_id=entity_id,
            detail={"code": warning.code, "detail": warning.detail},
        )  # fmt: skip
