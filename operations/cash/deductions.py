"""Deductions: stated with a payment or without one; ended without a decision where nothing is left to decide."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from models.cash.deduction_answers import DeductionAnswer, deduction_answer
from models.cash.deduction_requests import OpenDeduction
from models.cash.deductions import AskedDeduction, Deduction, DeductionStatus, owner_of, refuse_undisputable
from models.cash.records import ApplicationSession, Invoice
from models.db.cash import deductions, payments
from models.db.cash.payments import BalanceChange
from models.db.master_data import settings_of
from models.errors import Refusal
from models.exceptions.owners import due_times
from models.exceptions.records import ExceptionRecord
from models.exceptions.requests import AssignException, ResolveException
from models.facts import Fact, Facts
from models.ids import new_id
from operations import exception_kinds
from operations.exception_kinds import ExceptionKind
from operations.runner import operation
from operations.work import Outcome, Work

KIND: Final = "deduction"
"""Of its exception."""
PAID, UNDONE, VOIDED = "INVOICE_PAID", "SESSION_UNDONE", "INVOICE_VOIDED"
"""Why one is withdrawn."""


@operation("open_deduction", OpenDeduction, DeductionAnswer)
def open_deduction(work: Work, asked: OpenDeduction) -> Outcome[DeductionAnswer]:
    """State a deduction without a payment. INVOICE_NOT_FOUND, INVOICE_VOID, INVOICE_NOT_OPEN, INVOICE_DISPUTED,
    APPLIED_EXCEEDS_BALANCE."""
    i = payments.lock_invoices(work.tx, [asked.invoice_id])[asked.invoice_id]
    work.require_entity(i.legal_entity_id)
    if (before := _repeated(work, i)) is not None:
        return Outcome(deduction_answer(before), 201, replayed=True)
    refuse_undisputable(i, i.balance_due_minor, asked.amount_minor)
    (made,) = open_all(work, [_asked(asked)], {i.id: i}, first_id=work.cmd.resource_id, body_hash=work.cmd.body_hash)
    work.add("deductions", [made])
    return Outcome(deduction_answer(made), 201)


def _repeated(work: Work, i: Invoice) -> Deduction | None:
    """The invoice's latest deduction, where the caller states just this again and says nothing of a second one: a key does."""
    if work.cmd.key_given:
        return None
    before = deductions.latest(work.tx, i.id)
    if before is None or before.status is not DeductionStatus.OPEN or before.created_by != work.cmd.actor:
        return None
    return before if before.body_hash == work.cmd.body_hash else None


def stated_in(
    work: Work, session: ApplicationSession, lines: Sequence[OpenDeduction], invoices: Mapping[str, Invoice],
    changes: Sequence[BalanceChange],
) -> list[Deduction]:  # fmt: skip
    """What the payer left out of a session, on its owners' desks; what the session has settled is disputed no longer."""
    withdraw_settled(work, invoices, changes)
    asked = [_asked(x) for x in lines]
    _refuse_excess(asked, invoices, changes)
    made = open_all(work, asked, invoices, payment_id=session.payment_id, session_id=session.id)
    work.add("deductions", made)
    return made


def _asked(x: OpenDeduction) -> AskedDeduction:
    return AskedDeduction(x.invoice_id, x.amount_minor, x.reason_code, x.customer_reason, x.note)


def _refuse_excess(
    asked: Sequence[AskedDeduction], invoices: Mapping[str, Invoice], changes: Iterable[BalanceChange]
) -> None:
    """What a session states must stay due once it is posted, and not be disputed before."""
    left = {i.id: i.balance_due_minor for i in invoices.values()} | {c.id: c.balance for c in changes}
    stated: dict[str, int] = {}
    for x in asked:
        stated[x.invoice_id] = stated.get(x.invoice_id, 0) + x.amount_minor
    for invoice_id, minor in stated.items():
        refuse_undisputable(invoices[invoice_id], left[invoice_id], minor)


def open_all(
    work: Work, asked: Sequence[AskedDeduction], invoices: Mapping[str, Invoice], *, first_id: str | None = None,
    body_hash: str | None = None, payment_id: str | None = None, session_id: str | None = None,
) -> list[Deduction]:  # fmt: skip
    """A record of each, on its owner's desk, with its trail and event; whoever asks for them writes them with his own."""
    if not asked:
        return []
    settings = settings_of(work.tx)
    due = due_times(work.now, timedelta(seconds=settings.deduction_sla_seconds))
    made = [
        Deduction(
            id=first_id or new_id("ded"),
            invoice_id=x.invoice_id,
            customer_id=invoices[x.invoice_id].customer_id,
            legal_entity_id=invoices[x.invoice_id].legal_entity_id,
            payment_id=payment_id,
            session_id=session_id,
            amount_minor=x.amount_minor,
            currency_code=invoices[x.invoice_id].currency_code,
            reason_code=x.reason_code,
            customer_reason=x.customer_reason,
            note=x.note,
            status=DeductionStatus.OPEN,
            owner_role=owner_of(x.reason_code, settings.deduction_owners),
            owner_user=None,
            body_hash=body_hash,
            remind_at=due.remind_at,
            reminded_at=None,
            due_at=due.due_at,
            escalations=0,
            approval_id=None,
            asked_at=None,
            asked_by=None,
            asked_reason=None,
            asked_note=None,
            credit_note_id=None,
            accepted_minor=None,
            created_at=work.now,
            created_by=work.cmd.actor,
            ended_at=None,
            ended_by=None,
            end_reason=None,
            end_note=None,
        )
        for x in asked
    ]
    deductions.move_deducted(work.tx, [(d.invoice_id, d.amount_minor) for d in made])
    for d in made:
        _say_opened(work, d)
    return made


def _say_opened(work: Work, d: Deduction) -> None:
    facts = {
        "invoice_id": d.invoice_id, "customer_id": d.customer_id, "legal_entity_id": d.legal_entity_id,
        "payment_id": d.payment_id, "session_id": d.session_id, "amount_minor": d.amount_minor,
        "currency_code": d.currency_code, "reason_code": d.reason_code, "created_by": d.created_by,
    }  # fmt: skip
    desk = {"owner_role": d.owner_role, "due_at": d.due_at}
    # What the customer and we wrote stays in the record alone, where it can be erased.
    work.audit(d.id, "deduction.opened", {"after": facts, **desk}, reason_code=d.reason_code)
    about: Facts = {"deduction_id": d.id, "amount_minor": d.amount_minor}
    work.audit(d.invoice_id, "invoice.deducted", about, reason_code=d.reason_code)
    work.open_exception(
        KIND, d.reason_code, d.id, owner_role=d.owner_role, due_in=d.due_at - work.now, legal_entity_id=d.legal_entity_id,
        detail={"customer_id": d.customer_id, "invoice_id": d.invoice_id, "amount_minor": d.amount_minor,
                "currency_code": d.currency_code},
    )  # fmt: skip
    work.emit("deduction.opened", d.id, event_facts(d) | {"due_at": d.due_at})


def event_facts(d: Deduction) -> dict[str, Fact]:
    """What every event of a deduction says."""
    return {
        "deduction_id": d.id, "invoice_id": d.invoice_id, "customer_id": d.customer_id,
        "legal_entity_id": d.legal_entity_id, "amount_minor": d.amount_minor, "currency_code": d.currency_code,
        "reason_code": d.reason_code, "owner_role": d.owner_role, "owner_user": d.owner_user,
    }  # fmt: skip


def withdraw_settled(work: Work, invoices: Mapping[str, Invoice], changes: Iterable[BalanceChange]) -> None:
    """Of invoices that owe nothing any more nothing is disputed either."""
    settled = [c.id for c in changes if c.balance == 0 and invoices[c.id].deducted_minor > 0]
    withdraw_all(work, deductions.open_of_invoices(work.tx, settled), PAID)


def withdraw_all(work: Work, found: Iterable[Deduction], code: str) -> None:
    """Locked ones that nobody needs to decide any more."""
    for d in found:
        end(work, d, replace(d, status=DeductionStatus.WITHDRAWN, end_reason=code), "deduction.withdrawn")


def end(work: Work, d: Deduction, after: Deduction, how: str, *, by: str | None = None, **more: Fact) -> Deduction:
    """The end of a locked one: the amount is disputed no longer, its exception is resolved."""
    code = after.end_reason or ""
    done = replace(
        after,
        ended_at=work.now,
        ended_by=by or work.cmd.actor,
        asked_at=None,
        asked_by=None,
        asked_reason=None,
        asked_note=None,
    )
    deductions.save(work.tx, d, done)
    deductions.move_deducted(work.tx, [(d.invoice_id, -d.amount_minor)])
    deductions.settle_exceptions(work.tx, KIND, [d.id], work.cmd.actor, code)
    moved: Facts = {"before": {"status": d.status}, "after": {"status": done.status}}
    work.audit(d.id, how, {**moved, **more}, reason_code=code)
    work.audit(d.invoice_id, "invoice.deduction_ended", {"deduction_id": d.id, **moved}, reason_code=code)
    work.emit(how, d.id, event_facts(d) | {"end_reason": code, **more})
    return done


def _assigned(work: Work, e: ExceptionRecord, asked: AssignException) -> None:
    deductions.assign(work.tx, e.subject_id, owner_role=asked.owner_role, owner_user=asked.owner_user)


def _undecided(work: Work, e: ExceptionRecord, asked: ResolveException) -> None:
    raise Refusal(
        "DEDUCTION_UNDECIDED",
        f"It ends when the deduction is decided: POST /v1/deductions/{e.subject_id}/resolve.",
        deduction_id=e.subject_id,
    )


exception_kinds.register(
    ExceptionKind(KIND, lambda tx, deduction_id: deductions.get(tx, deduction_id, lock=True), _assigned, _undecided)
)
