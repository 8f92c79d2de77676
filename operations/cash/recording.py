"""Recording a payment, alone or with its first application session: one command, one transaction, one entry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.cash.answers import PaymentAnswer, SessionAnswer, payment_answer
from models.cash.receipt_answers import applied_answer, recorded_answer
from models.cash.records import Payment
from models.cash.requests import ApplySession, RecordPayment
from models.db import lookups
from models.db.cash import payments, rates, receipts, sessions
from models.db.cash.line_identity import ask_about_bank_lines
from models.db.cash.receipts import Surroundings
from models.errors import Refusal
from models.ids import new_id
from models.money import convert
from operations import execution
from operations.cash.applications import Applied, apply_first
from operations.cash.payments import CLERKS_TIME, audit_receipt, post_receipt, refuse_too_far_ahead
from operations.cash.session_replays import as_it_stands, by_external_id, different_fields
from operations.external_ids import conflict, refuse_another
from operations.runner import operation
from operations.work import Outcome, Work

_TAKEN_BY_DEFAULT = ("legal_entity_id", "bank_account_id")
_BUSINESS_FIELDS = (
    "customer_id", "payment_date", "amount_minor", "currency_code", *_TAKEN_BY_DEFAULT, "method", "reference",
    "remittance_text",
)  # fmt: skip


@operation("record_payment", RecordPayment, PaymentAnswer, execution.Posting("RecordPayment"))
def record_payment(work: Work, asked: RecordPayment) -> Outcome[PaymentAnswer]:
    """A customer payment arrives, by hand or by a feed. Once per external_id, for ever; with `apply` it is applied at once."""
    around = receipts.surroundings_of(work.tx, asked)
    if around.known is not None:
        _refuse_another(work, around.known.payment, around, asked)
        return _known(work, around.known, asked)
    payment = _record(work, around, asked)
    if asked.apply is None:
        return Outcome(payment_answer(payment, []), 201)
    return _applied(work, payment_answer(payment, []), asked, asked.apply)


def _record(work: Work, around: Surroundings, asked: RecordPayment) -> Payment:
    """The payment, written; its receipt too where the setting says at receipt."""
    lookups.found(work.tx, "customer", asked.customer_id, around.customer)
    place = _where(work, around, asked)
    work.require_entity(place.legal_entity_id)
    refuse_too_far_ahead(asked.payment_date, work.now.date(), around.settings.payment_date_horizon_days)
    payment = _new_payment(work, asked, place)
    work.tx.insert("payments", [payment])
    ask_about_bank_lines(work.tx, payment, new_id("exc"), work.now + CLERKS_TIME)
    entries = []
    if around.settings.posts_at_receipt:
        entries.append(post_receipt(work, payments.lock(work.tx, payment.id)))
    audit_receipt(work, payment, entries)
    return replace(payment, posted=bool(entries))


@dataclass(frozen=True)
class Place:
    """Where a payment belongs: its legal entity and the bank account that took it."""

    legal_entity_id: str
    functional_currency: str
    bank_account_id: str


def _where(work: Work, around: Surroundings, asked: RecordPayment) -> Place:
    """Entity: the one given, else the bank account's, else the customer's. Bank account: given, else the only one."""
    named, bank = asked.bank_account_id, next(iter(around.banks), None)
    if named:
        bank = lookups.found(work.tx, "bank_account", named, bank)
    entity = lookups.found(work.tx, "legal_entity", str(asked.legal_entity_id), around.entity)
    if bank is None or not named:
        bank = lookups.only_one(around.banks, entity.id)
    if bank.legal_entity_id != entity.id:
        raise Refusal("LEGAL_ENTITY_MISMATCH", f"Bank account {bank.id} is not legal entity {entity.id}'s.")
    return Place(entity.id, entity.functional_currency, bank.id)


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


def _applied(
    work: Work, payment: PaymentAnswer, asked: RecordPayment, session: ApplySession, *, known: bool = False
) -> Outcome[PaymentAnswer]:
    """The payment with its first session; where that is refused and the payment wanted all the same, with the refusal."""
    if asked.on_refusal == "refuse":
        return Outcome(applied_answer(payment, *_session(work, payment.id, session)), 201)
    tried = Work(work.tx, work.cmd, work.dry_run)
    try:
        with work.tx.savepoint("session"):
            made = _session(tried, payment.id, session)
    except Refusal as refusal:
        return _kept(work, payment, refusal, known=known)
    work.take(tried)
    return Outcome(applied_answer(payment, *made), 201)


def _session(work: Work, payment_id: str, session: ApplySession) -> Applied:
    """The session as apply makes it, asked for by this command; a later request to apply the same is known by it."""
    as_apply = replace(
        work.cmd,
        operation="apply_payment",
        resource_id=payment_id,
        body=session.model_dump(mode="json"),
        asked=None,
    )
    return apply_first(replace(work, cmd=as_apply), payment_id, session)


def _kept(work: Work, payment: PaymentAnswer, refusal: Refusal, *, known: bool) -> Outcome[PaymentAnswer]:
    """The payment without the session that it was sent with, and why; the trail of the payment has it too."""
    work.refused(payment.id, "apply_payment", refusal)
    return Outcome(recorded_answer(payment, None, refusal.as_problem()), 201, replayed=known)


def _known(work: Work, known: payments.AppliedPayment, asked: RecordPayment) -> Outcome[PaymentAnswer]:
    """A payment sent again: as it stands. A session that it does not have yet is made where it has none at all; where it
    has been applied otherwise, nobody's work is added to."""
    p, answer = known.payment, payment_answer(known.payment, known.applications, known.bank_texts, known.adjustments)
    if asked.apply is None:
        return Outcome(answer, 201, replayed=True)
    payments.lock(work.tx, p.id)  # nobody adds a session now
    said = by_external_id(work, asked.apply, p.id)
    session = said.answer if said else _same_session(work, p, asked.apply)
    if session is not None:
        now = payments.get(work.tx, p.id)
        shown = payment_answer(now.payment, now.applications, now.bank_texts, now.adjustments)
        return Outcome(recorded_answer(shown, session), 201, replayed=True)
    first = p.body.get("apply")
    sent_otherwise = isinstance(first, Mapping) and bool(different_fields(asked.apply, first))
    if not sent_otherwise and not sessions.sessions_of(work.tx, p.id):
        return _applied(work, answer, asked, asked.apply, known=True)
    another = conflict(f"another payment ({p.id})", ["apply"], p.id)
    if first is None or sent_otherwise or asked.on_refusal == "refuse":
        raise another
    return _kept(work, answer, another, known=True)


def _same_session(work: Work, p: Payment, asked: ApplySession) -> SessionAnswer | None:
    """The payment's session that was asked for in the same words, undone since or not."""
    made = sessions.sessions_of(work.tx, p.id)
    same = next((s for s in made if not different_fields(asked, s.body)), None)
    return as_it_stands(work, payments.get(work.tx, p.id).payment, same) if same else None


def _refuse_another(work: Work, known: Payment, around: Surroundings, asked: RecordPayment) -> None:
    """409 naming the business fields (after defaults) that are not those of the payment recorded under this external_id."""
    work.require_entity(known.legal_entity_id)
    differing = [f for f in _BUSINESS_FIELDS if not _is_same(known, asked, f)]
    # A default taken then and the same value spelled out now are the same; one spelled out then and left out now
    # is the same only where the default would give it.
    if differing and set(differing) <= set(_TAKEN_BY_DEFAULT):
        lookups.found(work.tx, "customer", asked.customer_id, around.customer)
        by_default = _where(work, around, asked)
        differing = [
            f for f in differing if getattr(asked, f) is not None or getattr(by_default, f) != getattr(known, f)
        ]  # fmt: skip
    refuse_another(f"another payment ({known.id})", differing, known.id)


def _is_same(p: Payment, asked: RecordPayment, field: str) -> bool:
    """Whether a business field is as it was sent first, or as it was taken by default then."""
    given: object = asked.model_dump(mode="json", include={field})[field]
    return bool(given == p.body.get(field) or (field in _TAKEN_BY_DEFAULT and given == getattr(p, field)))
