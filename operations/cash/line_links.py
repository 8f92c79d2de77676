"""A person says that a bank line is a payment that was recorded by hand: from then on the two are one."""

from typing import Final

from models.cash.records import Payment
from models.cash.requests import ReversePayment
from models.cash.statement_answers import StatementAnswer
from models.cash.statement_records import BankStatementLine, LineStatus
from models.cash.statement_requests import LinkLine
from models.db import lookups
from models.db.cash import line_identity, payments, statements
from models.errors import Refusal
from models.facts import Facts
from models.master_data.records import BankAccount
from operations.cash.line_identity import amount_of
from operations.cash.statement_retries import locked_line, one_line, record_again
from operations.cash.undo import withdraw
from operations.runner import operation
from operations.work import Outcome, Work

LINKED: Final = "LINKED_TO_PAYMENT"
_ASKED: Final = ("unmatched_payment", "possible_duplicate")


@operation("link_statement_line", LinkLine, StatementAnswer)
def link_statement_line(work: Work, asked: LinkLine) -> Outcome[StatementAnswer]:
    """Make the line and the payment one. The line's own payment, if it became one, is withdrawn with all that it did.

    Refusals STATEMENT_NOT_FOUND, STATEMENT_LINE_NOT_FOUND, PAYMENT_NOT_FOUND, LINE_NOT_A_RECEIPT, PAYMENT_REVERSED,
    PAYMENT_LINKED, BANK_ACCOUNT_MISMATCH, LINE_AMOUNT_DIFFERS; RECONCILIATION_COMPLETE where the line's own payment is part of
    a completed bank reconciliation.
    """
    statement, bank, line = locked_line(work, str(work.cmd.resource_id), asked.line)
    payment = payments.lock(work.tx, asked.payment_id).payment
    work.require_entity(payment.legal_entity_id)
    if line.payment_id == payment.id and line.status is not LineStatus.POSSIBLE_DUPLICATE:
        return Outcome(one_line(work, statement.id, line.line), replayed=True)
    first = _line_of_payment(work, line)
    _refuse(bank, first, payment)
    withdrawn = _let_go(work, first)
    line_identity.link(work.tx, first, payment.id, first.payment_id)
    _say(work, line, payment, withdrawn)
    _look_at_the_others(work, bank, first)
    return Outcome(one_line(work, statement.id, line.line))


def _line_of_payment(work: Work, line: BankStatementLine) -> BankStatementLine:
    """The line that became the payment, where this one only repeats it."""
    if line.status is not LineStatus.DUPLICATE or line.payment_id is None:
        return line
    own = payments.get(work.tx, line.payment_id).payment
    if own.statement_id is None or own.statement_line is None:
        return line
    return statements.line_of(work.tx, own.statement_id, own.statement_line) or line


def _refuse(bank: BankAccount, line: BankStatementLine, payment: Payment) -> None:
    if line.status is LineStatus.IGNORED:
        raise Refusal("LINE_NOT_A_RECEIPT", f"Line {line.line} is no receipt ({line.reason_code}).")
    if payment.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {payment.id} is reversed.")
    if payment.statement_id is not None:
        raise Refusal(
            "PAYMENT_LINKED",
            f"Payment {payment.id} is line {payment.statement_line} of statement {payment.statement_id} already.",
            statement_id=payment.statement_id,
            line=payment.statement_line,
        )
    if payment.bank_account_id != bank.id:
        raise Refusal("BANK_ACCOUNT_MISMATCH", f"Payment {payment.id} came to bank account {payment.bank_account_id}.")
    if (payment.amount_minor, payment.currency_code) != (line.amount_minor, line.currency_code):
        raise Refusal(
            "LINE_AMOUNT_DIFFERS",
            "The line and the payment are of different amounts.",
            line_amount_minor=line.amount_minor,
            payment_amount_minor=payment.amount_minor,
        )


def _let_go(work: Work, line: BankStatementLine) -> str | None:
    """What the line was until now: its own payment is withdrawn, one recorded by hand is itself again. The former's id."""
    if line.payment_id is None:
        return None
    if line.status is LineStatus.LINKED:
        line_identity.release(work.tx, line.payment_id)
        changed: Facts = {
            "before": {"statement_id": line.statement_id, "line": line.line},
            "after": {"statement_id": None},
        }
        work.audit(line.payment_id, "payment.unlinked", changed, reason_code=LINKED)
        return None
    held = payments.lock(work.tx, line.payment_id)
    if held.payment.reversed_at is None:
        # From the first: the money never came twice.
        withdraw(work, held, ReversePayment(reason_code=LINKED, reversal_date=held.payment.payment_date))
    return line.payment_id


def _say(work: Work, line: BankStatementLine, payment: Payment, withdrawn: str | None) -> None:
    """The trail of the statement and of the payment; what was asked of a person is answered."""
    subjects = [line.external_id, payment.id]
    settled = statements.settle_exceptions(work.tx, subjects, who=work.cmd.actor, code=LINKED, kinds=_ASKED)
    facts: Facts = {"statement_id": line.statement_id, "line": line.line, "withdrawn_payment_id": withdrawn}
    work.audit(line.statement_id, "statement.line_linked", {**facts, "payment_id": payment.id, "exceptions": settled})
    work.audit(payment.id, "payment.linked", {"before": {"statement_id": None}, "after": facts})


def _look_at_the_others(work: Work, bank: BankAccount, line: BankStatementLine) -> None:
    """Other lines may have waited for the same payment, which now has its line: those are worked again."""
    work.flush()
    for other in line_identity.still_waiting(work.tx, bank.id, amount_of(line)):
        statement = statements.lock(work.tx, other.statement_id)
        waiting = statements.line_of(work.tx, other.statement_id, other.line)
        if waiting is not None and waiting.status is LineStatus.POSSIBLE_DUPLICATE:
            account = lookups.bank_account(work.tx, statement.bank_account_id)
            record_again(work, statement, account, waiting)
