"""A line whose payment is recorded, matched again: its invoices may be known now."""

from dataclasses import replace

from models.cash.invoice_book import InvoiceBook
from models.cash.matching import Match, MatchKind, match_credit
from models.cash.records import Payment
from models.cash.references import reference_key
from models.cash.requests import ApplyLine, ApplySession
from models.cash.statement_records import BankStatementLine, LineOutcome, LineStatus
from models.db.cash import payments, statements
from models.facts import Facts
from models.master_data.records import BankAccount
from operations.cash.applications import apply_payment
from operations.cash.line_credits import as_named, credits_of, waited_for
from operations.cash.payers import payees_by_payer
from operations.commands import body_hash
from operations.work import Work


def match_again(work: Work, bank: BankAccount, line: BankStatementLine, payment_id: str) -> bool:
    """Apply the line's payment where its invoices are known now; whether it was. What a person has begun to place is theirs."""
    payment = payments.lock(work.tx, payment_id).payment
    if payment.reversed_at is not None or payment.applied_minor or payment.credit_held_minor:
        return False
    (credit,) = credits_of(work.tx, bank, [line]).values()
    named = statements.named_invoices(work.tx, {reference_key(reference) for reference in credit.references()})
    matched = match_credit(credit, InvoiceBook([as_named(i) for i in named]))
    outcome = LineOutcome(
        statement_id=line.statement_id, line=line.line, status=LineStatus.UNMATCHED, payment_id=payment.id,
        reason_code=str(matched.reason_code), suggestions=matched.suggestions or line.suggestions,
        waiting_for=waited_for(credit),
    )  # fmt: skip
    if matched.kind is not MatchKind.NONE and _may_pay(work, payment, str(matched.customer_id)):
        _apply(work, payment, matched)
        outcome = replace(
            outcome,
            status=LineStatus.APPLIED,
            reason_code=None,
            suggestions=(),
            matched_later=True,
            waiting_for=None,
        )
    statements.settle_lines(work.tx, [outcome])
    return outcome.matched_later


def _may_pay(work: Work, payment: Payment, customer_id: str) -> bool:
    """Whether the payment is nobody's yet, or its customer's who pays for this one."""
    if payment.customer_id in (None, customer_id):
        return True
    payer = (str(payment.customer_id), payment.payment_date)
    return customer_id in payees_by_payer(work.tx, [payer]).get(payer, ())


def _apply(work: Work, payment: Payment, matched: Match) -> None:
    """As a clerk would: the customer first, then the session."""
    if payment.customer_id is None:
        payments.assign(work.tx, payment.id, str(matched.customer_id))
        changed: Facts = {"before": {"customer_id": None}, "after": {"customer_id": matched.customer_id}}
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
