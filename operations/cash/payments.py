"""Recording a payment, and saying whose it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from models.cash.answers import PaymentAnswer, payment_answer
from models.cash.ledger import Account, JournalEntry
from models.cash.periods import entry_date
from models.cash.records import LockedPayment, Payment
from models.cash.requests import AssignPayment, RecordPayment
from models.db import lookups
from models.db.cash import payments, rates
from models.db.master_data import settings_of
from models.errors import Refusal
from models.ids import new_id
from models.master_data.records import BilledCustomer
from models.money import convert
from operations import carried
from operations.runner import operation
from operations.work import Outcome, Work, entry_mark

_TAKEN_BY_DEFAULT = ("legal_entity_id", "bank_account_id")
_BUSINESS_FIELDS = (
    "customer_id", "payment_date", "amount_minor", "currency_code", *_TAKEN_BY_DEFAULT, "method", "reference",
    "remittance_text",
)  # fmt: skip


@operation("record_payment", RecordPayment, PaymentAnswer, carried.Posting("RecordPayment"))
def record_payment(work: Work, asked: RecordPayment) -> Outcome[PaymentAnswer]:
    """A customer payment arrives, by hand or by a feed. Once per external_id, for ever."""
    known = payments.by_external_id(work.tx, asked.external_id)
    if known is not None:
        return _replay(work, known, asked)
    customer = lookups.customer(work.tx, asked.customer_id)
    place = _where(work, asked, customer)
    work.require_entity(place.legal_entity_id)
    settings = settings_of(work.tx)
    refuse_too_far_ahead(asked.payment_date, work.now.date(), settings.payment_date_horizon_days)
    payment = _new_payment(work, asked, place)
    work.tx.insert("payments", [payment])
    entries = []
    if settings.posts_at_receipt:
        entries.append(post_receipt(work, payments.lock(work.tx, payment.id)))
    audit_receipt(work, payment, entries)
    return Outcome(payment_answer(replace(payment, posted=bool(entries)), []), 201)


@dataclass(frozen=True)
class Place:
    """Where a payment belongs: its legal entity and the bank account that took it."""

    legal_entity_id: str
    functional_currency: str
    bank_account_id: str


def _new_payment(work: Work, asked: RecordPayment, place: Place) -> Payment:
    """The payment as it is recorded, translated to the functional currency at its date's rate."""
    rate = rates.required_rate(work.tx, asked.currency_code, place.functional_currency, asked.payment_date)
    worth = convert(asked.amount_minor, rate, asked.currency_code, place.functional_currency)
    return Payment(
        id=work.cmd.resource_id or new_id("pay"),
        external_id=asked.external_id,
        customer_id=asked.customer_id,
        legal_entity_id=place.legal_entity_id,
        bank_account_id=place.bank_account_id,
        payment_date=asked.payment_date,
        amount_minor=asked.amount_minor,
        currency_code=asked.currency_code,
        fx_rate=rate,
        functional_currency=place.functional_currency,
        functional_amount_minor=worth,
        functional_available_minor=worth,
        method=asked.method,
        reference=asked.reference,
        remittance_text=asked.remittance_text,
        body=work.cmd.body,
        created_at=work.now,
    )


def audit_receipt(work: Work, p: Payment, entries: list[JournalEntry]) -> None:
    """The trail and the event of a payment that was recorded."""
    facts = {
        "customer_id": p.customer_id, "legal_entity_id": p.legal_entity_id, "amount_minor": p.amount_minor,
        "currency_code": p.currency_code, "payment_date": p.payment_date,
    }  # fmt: skip
    work.audit(p.id, "payment.received", {"after": facts, "entries": entry_mark(*entries)})
    work.emit("ar.payment.received", p.id, {"payment_id": p.id, **facts})


def applied_so_far(p: Payment) -> Mapping[str, object]:
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
    if p.statement_id is None:
        return
    for exception_id in payments.resolve_unmatched(work.tx, p.id, who=work.cmd.actor, code=code):
        work.audit(p.id, "exception.resolved", {"exception_id": exception_id}, reason_code=code)


@operation("assign_payment", AssignPayment, PaymentAnswer, carried.Posting("AssignPayment"))
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
    changed = {"before": {"customer_id": p.customer_id}, "after": {"customer_id": customer_id}}
    work.audit(p.id, "payment.assigned", changed)
    return Outcome(_current(work, p.id))


def _current(work: Work, payment_id: str) -> PaymentAnswer:
    found = payments.get(work.tx, payment_id)
    return payment_answer(found.payment, found.applications, found.bank_texts)


def _where(work: Work, asked: RecordPayment, customer: BilledCustomer) -> Place:
    """Entity: the one given, else the bank account's, else the customer's. Bank account: given, else the only one."""
    bank = lookups.bank_account(work.tx, asked.bank_account_id) if asked.bank_account_id else None
    entity_id = asked.legal_entity_id or (bank.legal_entity_id if bank else customer.legal_entity_id)
    entity = lookups.legal_entity(work.tx, entity_id)
    if bank is not None and bank.legal_entity_id != entity_id:
        raise Refusal("LEGAL_ENTITY_MISMATCH", f"Bank account {bank.id} is not legal entity {entity_id}'s.")
    bank = bank or lookups.only_bank_account(work.tx, entity_id)
    return Place(entity_id, entity.functional_currency, bank.id)


def refuse_too_far_ahead(paid: date, today: date, days: int) -> None:
    """Refusal PAYMENT_DATE_IN_FUTURE for a payment dated more than `days` after today (UTC)."""
    if paid > today + timedelta(days=days):
        raise Refusal(
            "PAYMENT_DATE_IN_FUTURE", f"A payment may be dated at most {days} days ahead (UTC).", payment_date=str(paid)
        )


def _replay(work: Work, known: payments.AppliedPayment, asked: RecordPayment) -> Outcome[PaymentAnswer]:
    """The current record for the same business fields (after defaults), 409 naming the fields otherwise."""
    p = known.payment
    work.require_entity(p.legal_entity_id)
    differing = [f for f in _BUSINESS_FIELDS if not _is_same(p, asked, f)]
    # A default taken then and the same value spelled out now are the same; one spelled out then and left out now
    # is the same only where the default would give it.
    if differing and set(differing) <= set(_TAKEN_BY_DEFAULT):
        by_default = _where(work, asked, lookups.customer(work.tx, asked.customer_id))
        differing = [
            f for f in differing if getattr(asked, f) is not None or getattr(by_default, f) != getattr(p, f)
        ]  # fmt: skip
    if differing:
        raise Refusal(
            "EXTERNAL_ID_CONFLICT",
            f"external_id was used for another payment ({p.id}); different: {', '.join(differing)}.",
            fields=differing,
            id=p.id,
        )
    return Outcome(payment_answer(p, known.applications, known.bank_texts), 201, replayed=True)


def _is_same(p: Payment, asked: RecordPayment, field: str) -> bool:
    """Whether a business field is as it was sent first, or as it was taken by default then."""
    given: Any = asked.model_dump(mode="json", include={field})[field]
    return bool(given == p.body.get(field) or (field in _TAKEN_BY_DEFAULT and given == getattr(p, field)))
