"""Lines of a bank statement worked again: those that failed, and those that no invoice answered."""

from dataclasses import replace

from models.cash.invoice_book import InvoiceBook
from models.cash.matching import Match, MatchKind, match_credit
from models.cash.records import Payment
from models.cash.references import reference_key
from models.cash.requests import ApplyLine, ApplySession
from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_records import BankStatement, BankStatementLine, LineOutcome, LineStatus
from models.cash.statement_requests import RetryLine
from models.db import lookups
from models.db.cash import payments, statements
from models.errors import Refusal
from models.master_data.records import BankAccount
from operations.cash.applications import apply_payment
from operations.cash.payers import paid_for
from operations.cash.statement_lines import Chunk, as_named, credits_of
from operations.commands import body_hash
from operations.runner import operation
from operations.work import Outcome, Work


@operation("retry_statement_line", RetryLine, StatementAnswer)
def retry_statement_line(work: Work, asked: RetryLine) -> Outcome[StatementAnswer]:
    """Record a line that failed; match one again that no invoice answered. Any other stays as it is."""
    statement = statements.lock(work.tx, str(work.cmd.resource_id))
    bank = lookups.bank_account(work.tx, statement.bank_account_id)
    work.require_entity(bank.legal_entity_id)
    line = statements.line_of(work.tx, statement.id, asked.line)
    if line is None:
        raise Refusal("STATEMENT_LINE_NOT_FOUND", f"Statement {statement.id} has no line {asked.line}.")
    if line.status is LineStatus.FAILED:
        _settle_exceptions(work, statement, [line])
        Chunk(work, statement, bank, lookups.legal_entity(work.tx, bank.legal_entity_id)).run([line])
    elif line.status is LineStatus.UNMATCHED and line.payment_id is not None:
        _match_again(work, bank, line, line.payment_id)
    return Outcome(statement_answer(statements.get(work.tx, statement.id)), 202)


def work_failed_lines_again(work: Work, statement_id: str) -> None:
    """Hand the lines that failed to the statement's process again."""
    statement = statements.lock(work.tx, statement_id)
    failed = statements.take_up_failed(work.tx, statement.id)
    if failed:
        _settle_exceptions(work, statement, failed)


def _settle_exceptions(work: Work, statement: BankStatement, lines: list[BankStatementLine]) -> None:
    """What was asked of a person about lines that failed is taken back: they are worked again, and may ask anew."""
    settled = statements.settle_exceptions(
        work.tx, [x.external_id for x in lines], who=work.cmd.actor, code="LINE_WORKED_AGAIN"
    )
    work.audit(statement.id, "statement.retried", {"lines": [x.line for x in lines], "exceptions": settled})


def _match_again(work: Work, bank: BankAccount, line: BankStatementLine, payment_id: str) -> None:
    """Apply the line's payment where its invoices are known now. What a person has begun to place is theirs."""
    payment = payments.lock(work.tx, payment_id).payment
    if payment.reversed_at is not None or payment.applied_minor or payment.credit_held_minor:
        return
    (credit,) = credits_of(work.tx, bank, [line]).values()
    named = statements.named_invoices(work.tx, {reference_key(reference) for reference in credit.references()})
    matched = match_credit(credit, InvoiceBook([as_named(i) for i in named]))
    outcome = LineOutcome(
        statement_id=line.statement_id, line=line.line, status=LineStatus.UNMATCHED, payment_id=payment.id,
        reason_code=str(matched.reason_code), suggestions=matched.suggestions or line.suggestions,
    )  # fmt: skip
    if matched.kind is not MatchKind.NONE and _may_pay(work, payment, str(matched.customer_id)):
        _apply(work, payment, matched)
        outcome = replace(outcome, status=LineStatus.APPLIED, reason_code=None, suggestions=())
    statements.settle_lines(work.tx, [outcome])


def _may_pay(work: Work, payment: Payment, customer_id: str) -> bool:
    """Whether the payment is nobody's yet, or its customer's who pays for this one."""
    if payment.customer_id in (None, customer_id):
        return True
    payer = (str(payment.customer_id), payment.payment_date)
    return customer_id in paid_for(work.tx, [payer]).get(payer, ())


def _apply(work: Work, payment: Payment, matched: Match) -> None:
    """As a clerk would: the customer first, then the session."""
    if payment.customer_id is None:
        payments.assign(work.tx, payment.id, str(matched.customer_id))
        changed = {"before": {"customer_id": None}, "after": {"customer_id": matched.customer_id}}
        work.audit(payment.id, "payment.assigned", changed)
    session = ApplySession(applications=[ApplyLine(invoice_id=i, applied_minor=n) for i, n in matched.allocations])
    body = session.model_dump(mode="json")
    clerks = Work(
        work.tx,
        replace(
            work.cmd,
            operation="apply_payment",
            resource_id=payment.id,
            body=body,
            body_hash=body_hash(body),
            asked=session,
        ),
    )
    apply_payment(clerks, session)
    clerks.flush()
