"""What happens to a payment beside its applications: its receipt in books and trail, and saying whose it is."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from models.cash.answers import PaymentAnswer, payment_answer
from models.cash.ledger import Account, JournalEntry
from models.cash.periods import entry_date
from models.cash.records import LockedPayment, Payment
from models.cash.requests import AssignPayment
from models.db import lookups
from models.db.cash import payments
from models.errors import Refusal
from models.facts import Facts
from models.ids import new_id
from operations import execution
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

CLERKS_TIME: Final = timedelta(days=2)


def audit_receipt(work: Work, p: Payment, entries: list[JournalEntry]) -> None:
    """The trail and the event of a payment that was recorded."""
    facts = {
        "customer_id": p.customer_id, "legal_entity_id": p.legal_entity_id, "amount_minor": p.amount_minor,
        "currency_code": p.currency_code, "payment_date": p.payment_date,
    }  # fmt: skip
    work.audit(p.id, "payment.received", {"after": facts, "entries": entry_mark(*entries)})
    work.emit("ar.payment.received", p.id, {"payment_id": p.id, **facts})


def applied_so_far(p: Payment) -> Facts:
    """How far a payment has been applied: what its audit trail says before and after."""
    return {"status": p.status, "applied_minor": p.applied_minor}


def post_receipt(work: Work, held: LockedPayment) -> JournalEntry:
    """Post the receipt of a locked payment that has no entry yet, and mark it posted."""
    entry = post_receipt_entry(work, held.payment, held.closed_periods)
    payments.mark_posted(work.tx, held.payment.id)
    return entry


def post_receipt_entry(work: Work, p: Payment, closed: Collection[str]) -> JournalEntry:
    """DR cash, CR unapplied_cash; dated the payment date, or the first day of the next open month."""
    day = entry_date(p.payment_date, closed)
    entry = JournalEntry(new_id("je"), day, "receipt", p.id, p.legal_entity_id, p.functional_currency)
    amount, worth, currency = p.amount_minor, p.functional_amount_minor, p.currency_code
    entry.debit(Account.CASH, amount, currency, worth, bank_account_id=p.bank_account_id)
    entry.credit(Account.UNAPPLIED_CASH, amount, currency, worth, customer_id=p.customer_id)
    work.post(entry)
    return entry


def resolve_unmatched(work: Work, p: Payment, code: str) -> None:
    """What a statement left for a person is dealt with once the money has its place, or is gone."""
    if p.statement_id is None and code != "REVERSED":
        return
    for exception_id in payments.resolve_unmatched(work.tx, p.id, who=work.cmd.actor, code=code):
        work.audit(p.id, "exception.resolved", {"exception_id": exception_id}, reason_code=code)


@operation("assign_payment", AssignPayment, PaymentAnswer, execution.Posting("AssignPayment"))
def assign_payment(work: Work, asked: AssignPayment) -> Outcome[PaymentAnswer]:
    """Say whose a payment from an unknown payer is. Again for the same customer: the current record."""
    held = payments.lock(work.tx, str(work.cmd.resource_id))
    p = held.payment
    work.require_entity(p.legal_entity_id)
    customer_id = lookups.customer(work.tx, asked.customer_id).id
    if p.reversed_at is not None:
        raise Refusal("PAYMENT_REVERSED", f"Payment {p.id} is reversed.")
    if p.customer_id == customer_id:
        return Outcome(_current(work, p.id), replayed=True)
    if p.customer_id is not None and held.latest is not None:
        raise Refusal(
            "CUSTOMER_ALREADY_ASSIGNED", "The payment was applied for its present customer; reverse it first."
        )
    payments.assign(work.tx, p.id, customer_id)
    changed: Facts = {"before": {"customer_id": p.customer_id}, "after": {"customer_id": customer_id}}
    work.audit(p.id, "payment.assigned", changed)
    return Outcome(_current(work, p.id))


def _current(work: Work, payment_id: str) -> PaymentAnswer:
    found = payments.get(work.tx, payment_id)
    return payment_answer(found.payment, found.applications, found.bank_texts, found.adjustments)


def refuse_too_far_ahead(paid: date, today: date, days: int) -> None:
    """Refusal PAYMENT_DATE_IN_FUTURE for a payment dated more than `days` after today (UTC)."""
    if paid > today + timedelta(days=days):
        raise Refusal(
            "PAYMENT_DATE_IN_FUTURE", f"A payment may be dated at most {days} days ahead (UTC).", payment_date=str(paid)
        )
