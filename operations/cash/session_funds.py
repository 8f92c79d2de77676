"""The money of an application session: what it may spend, what becomes of the rest, what the records say afterwards."""

from typing import Any

from models.cash.allocation import Funds, Plan
from models.db.cash import payments
from models.ids import new_id
from operations.work import Work


def funds_of(p: Any, credit: Any) -> Funds:
    held = credit["remaining_minor"] if credit else p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"]
    worth = credit["functional_remaining_minor"] if credit else p["functional_available_minor"]
    return Funds(
        p["id"], p["customer_id"], p["legal_entity_id"], p["currency_code"], p["payment_date"], held, worth
    )  # fmt: skip


def new_credit_of(p: Any, decided: Plan, word: str | None) -> dict[str, Any] | None:
    """The record of an overpayment; without a remainder the word is ignored."""
    if word is None or decided.remainder_minor == 0:
        return None
    return {
        "id": new_id("cred"),
        "payment_id": p["id"],
        "customer_id": p["customer_id"],
        "legal_entity_id": p["legal_entity_id"],
        "kind": "customer_credit" if word == "customer_credit" else "unapplied_cash",
        "amount_minor": decided.remainder_minor,
        "remaining_minor": decided.remainder_minor,
        "currency_code": p["currency_code"],
        "functional_remaining_minor": decided.functional_remainder_minor,
    }


def settle(
    work: Work, locked: payments.Locked, credit: Any, decided: Plan, new_credit: dict[str, Any] | None, word: str | None
) -> payments.Settled:
    """Move the payment's, the invoices' and the credits' remainders; answers them as they are now."""
    p = locked.payment
    held = new_credit["amount_minor"] if new_credit and new_credit["kind"] == "customer_credit" else 0
    worth = 0 if held else decided.functional_remainder_minor
    if credit is not None:
        held, worth = -decided.applied_minor, p["functional_available_minor"]
        _spend(work, credit, decided)
    settled = payments.settle(
        work.tx, locked, invoice_changes(decided), applied=decided.applied_minor, credit_held=held, worth=worth,
        posted=credit is None, word=word,
    )  # fmt: skip
    if p["overpayment"]:  # whatever the word is now: an earlier one may have left such a record
        # What a record made now holds is not in the older ones; it is written with the session, at the end.
        newest = new_credit["amount_minor"] if new_credit and new_credit["kind"] == "unapplied_cash" else 0
        follow_unapplied(work, settled.payment, newest)
    return settled


def _spend(work: Work, credit: Any, decided: Plan) -> None:
    work.tx.later(
        """UPDATE customer_credits SET remaining_minor = remaining_minor - :spent,
             functional_remaining_minor = functional_remaining_minor - :worth WHERE org_id = :org AND id = :id""",
        spent=decided.applied_minor,
        worth=decided.functional_applied_minor,
        id=credit["id"],
    )


def follow_unapplied(work: Work, p: Any, held_by_newest: int = 0) -> None:
    """`unapplied_cash` records follow what is left on their payment, the newest holding first."""
    work.tx.later(
        """UPDATE customer_credits c SET remaining_minor = n.remaining,
             functional_remaining_minor = CASE WHEN n.remaining = 0 THEN 0 ELSE :worth END
           FROM (SELECT id, greatest(0, least(amount_minor, :available - coalesce(sum(amount_minor) OVER (ORDER BY id DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))::bigint AS remaining
                 FROM customer_credits WHERE org_id = :org AND payment_id = :id AND kind = 'unapplied_cash') n
           WHERE c.org_id = :org AND c.id = n.id""",
        available=p["amount_minor"] - p["applied_minor"] - p["credit_held_minor"] - held_by_newest,
        worth=p["functional_available_minor"],
        id=p["id"],
    )


def invoice_changes(decided: Plan) -> list[dict[str, Any]]:
    return [
        {
            "id": a.invoice.id,
            "balance": a.new_balance_minor,
            "functional": a.invoice.functional_balance_minor - a.functional_relief_minor,
        }
        for a in decided.allocations
    ]
