"""An application session asked for again: by its external_id, or by a body like the latest session's."""

import json

from models.answers import JsonObject, read_row
from models.cash.answers import SessionAnswer, session_answer
from models.cash.records import ApplicationSession, LockedPayment, Payment
from models.cash.requests import ApplySession
from models.db import commands
from models.db.cash import adjustments, credit_notes, deductions, payments, sessions
from operations.commands import body_hash
from operations.external_ids import differing, refuse_another
from operations.work import Outcome, Work

_BUSINESS_FIELDS = ("applications", "overpayment", "posting_date", "credit_notes", "deductions")
"""What two sessions under one external_id must have in common; "0.80" and 0.8 are one rate."""


def by_external_id(
    work: Work, asked: ApplySession, payment_id: str, credit_id: str | None = None
) -> Outcome[SessionAnswer] | None:
    """A session with this external_id on this payment: its result as things stand now, or 409 naming the fields.

    `credit_id`: the customer credit that is asked to pay."""
    if not asked.external_id:
        return None
    session = sessions.session_by_external_id(work.tx, payment_id, asked.external_id)
    if session is None:
        return None
    fields = different_fields(asked, session.body)
    fields += [] if session.credit_used == credit_id else ["credit_id"]
    refuse_another("another session of this payment", fields)
    p = payments.get(work.tx, payment_id).payment
    work.require_entity(p.legal_entity_id)
    return Outcome(as_it_stands(work, p, session), replayed=True)


def different_fields(asked: ApplySession, body: JsonObject) -> list[str]:
    """What a session with this body was asked for otherwise; empty for the same."""
    said = {name: value for name, value in body.items() if name in ApplySession.model_fields}
    return differing({f: getattr(asked, f) for f in _BUSINESS_FIELDS}, ApplySession.model_validate(said))


def same_as_latest(work: Work, asked: ApplySession, held: LockedPayment) -> Outcome[SessionAnswer] | None:
    """Without a key of the caller's: a body identical to the latest session's answers that session's result."""
    if work.cmd.key_given or asked.external_id or work.dry_run:
        return None
    p, latest = held.payment, held.latest
    if latest is None or latest.undone or p.reversed_at is not None or latest.body_hash != session_hash(work):
        return None
    work.require_entity(p.legal_entity_id)
    first = commands.session_answer_of(work.tx, latest.command_id)
    if first is not None:
        return Outcome(_as_first_answered(first), replayed=True)
    return Outcome(as_it_stands(work, p, sessions.get_session(work.tx, latest.id)), replayed=True)


def _as_first_answered(kept: str | bytes) -> SessionAnswer:
    """An answer that was kept, perhaps by a build that knew no adjustments."""
    said = json.loads(kept)
    said.setdefault("adjustments", [])
    said.setdefault("credit_notes", [])
    said.setdefault("deductions", [])
    for line in said["applications"]:
        line.setdefault("adjustments", [])
    return read_row(SessionAnswer, said)


def as_it_stands(work: Work, p: Payment, session: ApplicationSession) -> SessionAnswer:
    """A session's answer with the payment and the invoices as they stand now."""
    lines = sessions.applied_now(work.tx, session.id)
    credited = credit_notes.of_session(work.tx, session.id)
    paid = [line.invoice for line in lines]
    settled = dict.fromkeys(a.invoice_id for a in credited)
    alone = [i for i in settled if i not in {one.id for one in paid}]
    return session_answer(
        p,
        session.id,
        [line.application for line in lines],
        adjustments.of_session(work.tx, session.id),
        credited,
        deductions.of_session(work.tx, session.id),
        [*paid, *(payments.balances_now(work.tx, alone) if alone else ())],
        payments.outstanding(work.tx, p.customer_id),
        journal_entry_id=session.journal_entry_id,
        credit_id=session.credit_id,
    )


def session_hash(work: Work) -> str:
    """What makes two sessions the same: the operation, the record and the body without its external_id."""
    same = {k: v for k, v in work.cmd.body.items() if k != "external_id"}
    return body_hash({"operation": work.cmd.operation, "record": work.cmd.resource_id, **same})
