"""Deductions decided: rejected, to be collected; or accepted by a credit note, at once within authority, else when approved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.approvals.approval import Approval, Asked, Authority
from models.approvals.chain import ChangeStatus
from models.authority import AuthorityKind
from models.cash.credit_note_requests import CreateCreditNote
from models.cash.credit_notes import CreditNote, CreditNoteApplication
from models.cash.deduction_decided_answer import DeductionDecidedAnswer, deduction_decided_answer
from models.cash.deduction_requests import DecideDeduction
from models.cash.deductions import Deduction, DeductionStatus, refuse_closed
from models.cash.records import Invoice
from models.db import lookups
from models.db.authority import get as limits_of
from models.db.cash import credit_notes, deductions, invoices, payments
from models.db.tx import Tx
from models.facts import Facts
from models.ids import new_id
from models.money import spelt
from operations import execution
from operations.approvals.authority import beyond, roles_of
from operations.approvals.kinds import Kind, register
from operations.approvals.requests import ask
from operations.cash.credit_note_applications import settle_with
from operations.cash.credit_notes import About, issue, new_note
from operations.cash.deductions import end, withdraw_settled
from operations.runner import operation
from operations.work import Outcome, Work

_ACCEPTED, _REJECTED = "deduction.accepted", "deduction.rejected"


@operation("resolve_deduction", DecideDeduction, DeductionDecidedAnswer, execution.Posting("DecideDeduction"))
def resolve_deduction(work: Work, asked: DecideDeduction) -> Outcome[DeductionDecidedAnswer]:
    """Accept: a credit note is made and applied, within the caller's authority at once, beyond it when those above have approved
    (202). Reject: the dispute is over, the amount is collected. DEDUCTION_CLOSED, DEDUCTION_AWAITS_APPROVAL."""
    d, i = _locked(work, str(work.cmd.resource_id))
    work.require_entity(d.legal_entity_id)
    refuse_closed(d)
    if asked.decision == "reject":
        ended = replace(d, status=DeductionStatus.REJECTED, end_reason=asked.reason_code, end_note=asked.note)
        return _answer(end(work, d, ended, _REJECTED), i)
    planned = _planned(work, d, i, asked.reason_code, asked.note)
    given = credit_notes.corrected(work.tx, i.id, work.cmd.actor).given
    worth = planned.functional_total_minor
    authority = beyond(limits_of(work.tx), AuthorityKind.DEDUCTION, worth, work.cmd.roles, given)
    if authority is not None:
        return _answer(_ask(work, d, i, planned, authority, asked), i, status=202)
    accepted = _accept(work, d, i, planned)
    return _answer(accepted.deduction, accepted.invoice, accepted)


def _locked(work: Work, deduction_id: str) -> tuple[Deduction, Invoice]:
    """The deduction and its invoice, which is locked before anything that hangs on it."""
    seen = deductions.get(work.tx, deduction_id)
    i = invoices.get(work.tx, seen.invoice_id, lock=True)
    return deductions.get(work.tx, deduction_id, lock=True), i


def _planned(work: Work, d: Deduction, i: Invoice, reason: str, note: str | None) -> CreditNote:
    """The credit note of what is still due of it: a payment of a part has taken that part out of the dispute."""
    customer = invoices.billed_customer(work.tx, i.customer_id)
    entity = lookups.legal_entity(work.tx, i.legal_entity_id)
    note_id = new_id("cn")
    asked = CreateCreditNote(
        customer_id=i.customer_id,
        external_id=d.id if credit_notes.by_external_id(work.tx, d.id) is None else note_id,
        legal_entity_id=i.legal_entity_id,
        issue_date=max(work.now.date(), i.issue_date),
        currency_code=i.currency_code,
        total_minor=min(d.amount_minor, i.balance_due_minor),
        reason_code=reason,
        invoice_id=i.id,
        note=note,
    )
    before = credit_notes.corrected(work.tx, i.id, work.cmd.actor)
    return replace(new_note(work, asked, About(customer, entity, i, before)), id=note_id)


@dataclass(frozen=True)
class _Accepted:
    deduction: Deduction
    invoice: Invoice
    note: CreditNote
    applications: Sequence[CreditNoteApplication]


def _accept(work: Work, d: Deduction, i: Invoice, note: CreditNote) -> _Accepted:
    """Post the note and settle its invoice with it, all of it: what is disputed is credited."""
    closed = invoices.closed_periods(work.tx)
    issue(work, note, closed)
    settled = settle_with(work, note, i, closed)
    ended = replace(
        d,
        status=DeductionStatus.ACCEPTED,
        end_reason=note.reason_code,
        end_note=note.note,
        credit_note_id=note.id,
        accepted_minor=note.total_minor,
        approval_id=note.approval_id,
    )
    work.tx.insert("credit_notes", [settled.note])  # before what refers to it
    done = end(work, d, ended, _ACCEPTED, by=note.created_by, credit_note_id=note.id, accepted_minor=note.total_minor)
    withdraw_settled(work, {i.id: i}, settled.changes)
    after = replace(
        i,
        balance_due_minor=settled.changes[0].balance,
        functional_balance_minor=settled.changes[0].functional,
    )
    return _Accepted(done, after, settled.note, settled.applications)


def _ask(
    work: Work, d: Deduction, i: Invoice, note: CreditNote, authority: Authority, asked: DecideDeduction
) -> Deduction:  # fmt: skip
    """Bring it before those above; it stays open and disputed meanwhile."""
    approval = ask(work, _asked(d, i, note.total_minor, asked.reason_code, authority))
    work.flush()  # the deduction refers to the approval
    waiting = replace(
        d,
        approval_id=approval.id,
        asked_at=work.now,
        asked_by=work.cmd.actor,
        asked_reason=asked.reason_code,
        asked_note=asked.note,
    )
    said: Facts = {"approval_id": approval.id, "accepted_minor": note.total_minor}
    work.audit(d.id, "deduction.submitted", said, reason_code=asked.reason_code)
    return deductions.save(work.tx, d, waiting)


def _asked(d: Deduction, i: Invoice, minor: int, reason: str, authority: Authority) -> Asked:
    return Asked(
        kind="deduction",
        subject_id=d.id,
        summary=f"Credit {spelt(minor, d.currency_code)} deducted from invoice {i.external_id}",
        href=f"/v1/deductions/{d.id}",
        roles=roles_of(authority),
        customer_id=d.customer_id,
        legal_entity_id=d.legal_entity_id,
        amount_minor=minor,
        currency_code=d.currency_code,
        reason_code=reason,
        authority=authority,
    )


def _answer(
    d: Deduction, i: Invoice, accepted: _Accepted | None = None, *, status: int = 200
) -> Outcome[DeductionDecidedAnswer]:  # fmt: skip
    note = (accepted.note, accepted.applications) if accepted else None
    return Outcome(deduction_decided_answer(d, payments.balance_of(i), note), status)


def _carry_out(work: Work, approval: Approval) -> None:
    """The approved deduction is credited, as far as it is still due: refused where it was withdrawn meanwhile."""
    d, i = _locked(work, approval.subject_id)
    refuse_closed(replace(d, asked_at=None))
    planned = _planned(work, d, i, str(d.asked_reason), d.asked_note)
    by = str(d.asked_by)
    _accept(work, d, i, replace(planned, created_by=by, authorised_minor=0, approval_id=approval.id))


def _follow(work: Work, approval: Approval) -> None:
    """Not approved: it is open, for its owner to decide anew. What failed or is asked for again waits on."""
    d = deductions.get(work.tx, approval.subject_id, lock=True)
    over = approval.chain.status in (ChangeStatus.REJECTED, ChangeStatus.WITHDRAWN)
    if over and d.status is DeductionStatus.OPEN:
        deductions.save(work.tx, d, replace(d, asked_at=None, asked_by=None, asked_reason=None, asked_note=None))
    said = {"approval_id": approval.id, "approval_status": approval.chain.status}
    work.audit(d.id, "deduction.moved", said, reason_code=approval.failure_code)


def _again(tx: Tx, approval: Approval) -> Asked:
    """What is still due of it, under the limits of this day."""
    d = deductions.get(tx, approval.subject_id)
    i = invoices.get(tx, d.invoice_id)
    refuse_closed(replace(d, asked_at=None))
    begun = approval.authority
    assert begun is not None, f"{approval.id} began without limits"
    minor = min(d.amount_minor, i.balance_due_minor)
    authority = beyond(limits_of(tx), AuthorityKind.DEDUCTION, begun.functional_minor, [begun.submitter.role])
    # Whose limit has come to cover it still asks those whom he had asked: what is under way stays a matter of several.
    return _asked(d, i, minor, str(d.asked_reason), authority or begun)


register(Kind("deduction", _carry_out, _follow, _again))
