"""A bank statement arrives: kept with its lines, once per file, before any of it is posted."""

from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_records import BankStatement, BankStatementLine
from models.cash.statement_requests import RETURNED, ReadLine, ReceiveStatement
from models.db import lookups
from models.db.cash import statements
from operations import carried
from operations.runner import operation
from operations.work import Outcome, Work


@operation("receive_statement", ReceiveStatement, StatementAnswer, carried.Statement())
def receive_statement(work: Work, asked: ReceiveStatement) -> Outcome[StatementAnswer]:
    """Keep the statement and its lines. The same file for the same account again is the same statement."""
    bank = lookups.bank_account(work.tx, asked.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    known = statements.of_file(work.tx, bank.id, asked.file_hash)
    if known is not None:
        return Outcome(statement_answer(known), 202, replayed=True)
    statement = BankStatement(
        id=str(work.cmd.resource_id),
        bank_account_id=bank.id,
        file_hash=asked.file_hash,
        file_name=asked.file_name,
        opening_minor=asked.opening_minor,
        closing_minor=asked.closing_minor,
        lines_total=len(asked.lines),
        warnings=[warning.as_warning() for warning in asked.warnings],
        created_at=work.now,
        created_by=work.cmd.actor,
    )
    lines = [_kept(statement.id, n, x) for n, x in enumerate(asked.lines, 1)]
    statements.keep(work.tx, statement, lines)
    _record(work, statement, lines, bank.legal_entity_id)
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
    )


def _record(work: Work, statement: BankStatement, lines: list[BankStatementLine], entity_id: str) -> None:
    """The trail, and what a person should see: the file's warnings, and the receipts that the bank took back."""
    facts = {
        "bank_account_id": statement.bank_account_id,
        "file_hash": statement.file_hash,
        "lines": statement.lines_total,
        "warnings": statement.warnings,
    }
    work.audit(statement.id, "statement.received", {"after": facts})
    for warning in statement.warnings:
        work.open_exception(
            "bank_statement", warning.code, statement.id, owner_role="ar_clerk", legal_entity_id=entity_id,
            detail={"code": warning.code, "detail": warning.detail},
        )  # fmt: skip
    returned = [x.line for x in lines if x.reason_code == RETURNED]
    if returned:  # a person finds the payment and reverses it
        work.open_exception(
            "bank_statement", RETURNED, statement.id, owner_role="ar_clerk", legal_entity_id=entity_id,
            detail={"lines": returned},
        )  # fmt: skip
