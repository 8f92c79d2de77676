"""The money of an application session: what it may spend, what becomes of the rest, what the records say afterwards."""

from dataclasses import replace

from models.cash.allocation import Funds, Plan
from models.cash.credit_notes import NOTHING_NETTED, Netting
from models.cash.payment import CreditKind, Overpayment
from models.cash.records import CustomerCredit, Payment
from models.db.cash import payments, sessions
from models.db.cash.payments import BalanceChange
from models.ids import new_id
from operations.work import Work


def funds_of(p: Payment, customer_id: str, credit: CustomerCredit | None) -> Funds:
    """What a session may spend: the credit's remainder, or what is available of the payment."""
    held = credit.remaining_minor if credit else p.available_minor
    worth = credit.functional_remaining_minor if credit else p.functional_available_minor
    return Funds(p.id, customer_id, p.legal_entity_id, p.currency_code, p.payment_date, held, worth)


def new_credit_of(work: Work, p: Payment, decided: Plan, word: Overpayment | None) -> CustomerCredit | None:
    """The record of an overpayment; without a remainder the word is ignored."""
    if word is None or decided.remainder_minor == 0 or p.customer_id is None:
        return None
    return CustomerCredit(
        id=new_id("cred"),
        payment_id=p.id,
        customer_id=p.customer_id,
        legal_entity_id=p.legal_entity_id,
        kind=CreditKind.CUSTOMER_CREDIT if word is Overpayment.CUSTOMER_CREDIT else CreditKind.UNAPPLIED_CASH,
        amount_minor=decided.remainder_minor,
        remaining_minor=decided.remainder_minor,
        currency_code=p.currency_code,
        functional_remaining_minor=decided.functional_remainder_minor,
        created_at=work.now,
    )


def payment_after(
    p: Payment, decided: Plan, credit: CustomerCredit | None, new_credit: CustomerCredit | None, word: Overpayment | None,
    version: int | None = None,
) -> Payment:  # fmt: skip
    """The payment once the session is written. `credit`: what the session spends instead of the payment itself. `version`: where
    the payment is written with its session, and not moved on by it."""
    if credit is not None:
        held, worth = -decided.applied_minor, p.functional_available_minor
    else:
        held = new_credit.held_apart_minor if new_credit else 0
        worth = 0 if held else decided.functional_remainder_minor
    return replace(
        p,
        applied_minor=p.applied_minor + decided.applied_minor,
        credit_held_minor=p.credit_held_minor + held,
        functional_available_minor=worth,
        posted=p.posted or credit is None,
        overpayment=word or p.overpayment,
        version=version or p.version,
    )


def settle(
    work: Work, locked: payments.Locked, after: Payment, decided: Plan, netting: Netting, credit: CustomerCredit | None,
    new_credit: CustomerCredit | None,
) -> list[BalanceChange]:  # fmt: skip
    """Move the payment's, the invoices' and the credits' remainders; answers how the invoices moved."""
    changes = balance_changes(decided, netting)
    if credit is not None:
        spent, worth = decided.applied_minor, decided.functional_applied_minor
        sessions.spend_credit(work.tx, credit.id, spent=spent, worth=worth)
    payments.apply_session(work.tx, after, locked.payment, changes)
    if locked.payment.overpayment:  # whatever the word is now: an earlier one may have left such a record
        # What a record made now holds is not in the older ones; it is written with the session, at the end.
        newest = new_credit.amount_minor if new_credit and new_credit.kind is CreditKind.UNAPPLIED_CASH else 0
        sessions.follow_unapplied(work.tx, after, newest)
    return changes


def balance_changes(decided: Plan, netting: Netting = NOTHING_NETTED) -> list[BalanceChange]:
    """What the session leaves open on its invoices: on those that money paid, then on those that credit notes alone settled."""
    paid = [
        BalanceChange(
            a.invoice.id, a.new_balance_minor, a.invoice.functional_balance_minor - a.functional_relieved_minor
        )
        for a in decided.allocations
    ]
    by_notes = dict.fromkeys(p.invoice.id for p in netting.lines)
    alone = [netting.invoices[i] for i in by_notes if i not in {c.id for c in paid}]
    return [*paid, *(BalanceChange(i.id, i.balance_minor, i.functional_balance_minor) for i in alone)]
