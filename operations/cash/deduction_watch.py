"""What the process of a deduction does each time it looks: its owner reminded, the next one asked, what is needless ended."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from models.access import AR_CLERK, Principal
from models.approvals import chain as rules
from models.cash.deductions import OWNERS, Deduction, DeductionStatus
from models.db import exceptions
from models.db.cash import deductions, invoices
from models.db.tx import Tx
from models.exceptions.owners import next_owner
from models.facts import Fact, Facts
from models.messages.deductions import DeductionTimes
from operations.approvals import acts
from operations.approvals.kinds import kind_of
from operations.approvals.requests import APPROVALS
from operations.cash.deductions import KIND, PAID, event_facts, withdraw_all
from operations.organisations import bootstrap_work
from operations.work import Work

SYSTEM: Final = "system"
WHILE_APPROVED: Final = timedelta(hours=1)
"""So often it is looked whether the approval has ended: the approval keeps its own deadlines meanwhile."""


def look(tx: Tx, deduction_id: str, process: str | None = None) -> DeductionTimes | None:
    """What is due by now is done, in the name of that process. None where the deduction is gone."""
    d = _seen(tx, deduction_id, process)
    if d is None:
        return None
    if d.status is not DeductionStatus.OPEN:
        return DeductionTimes(str(d.status), False, needless_approval=_withdraw_approval(tx, d, process))
    if d.asked_at is not None:
        return _open(tx, d, tx.now + WHILE_APPROVED)
    if d.due_at <= tx.now:
        return _hand_on(tx, d, process)
    if d.reminded_at is None and d.remind_at <= tx.now:
        work = bootstrap_work(tx, SYSTEM, process)
        deductions.mark_reminded(tx, d.id)
        _record(work, "deduction.reminded", d, d.due_at)
        work.flush()
        return _open(tx, d, d.due_at)
    return _open(tx, d, d.due_at if d.reminded_at else d.remind_at)


def _seen(tx: Tx, deduction_id: str, process: str | None) -> Deduction | None:
    """The deduction, locked. Where its invoice owes nothing it is withdrawn: a build that does not know deductions settled it."""
    seen = deductions.find(tx, deduction_id)
    if seen is None or seen.status is not DeductionStatus.OPEN:
        return seen
    if invoices.get(tx, seen.invoice_id).balance_due_minor == 0:
        invoices.get(tx, seen.invoice_id, lock=True)
        d = deductions.get(tx, deduction_id, lock=True)
        if d.status is DeductionStatus.OPEN and invoices.get(tx, d.invoice_id).balance_due_minor == 0:
            work = bootstrap_work(tx, SYSTEM, process)
            withdraw_all(work, [d], PAID)
            work.flush()
    return deductions.find(tx, deduction_id, lock=True)


def _open(
    tx: Tx, d: Deduction, next_at: datetime, role: str | None = None, due_at: datetime | None = None
) -> DeductionTimes:
    next_in = (next_at - tx.now).total_seconds()
    return DeductionTimes(str(d.status), True, role or d.owner_role or "", next_at, due_at or d.due_at, next_in=next_in)


def _hand_on(tx: Tx, d: Deduction, process: str | None) -> DeductionTimes:
    """The due time has passed: the next owner is asked, with as much time again."""
    work = bootstrap_work(tx, SYSTEM, process)
    role = next_owner(OWNERS, d.owner_role or AR_CLERK)
    half = d.due_at - d.remind_at
    remind_at, due_at = tx.now + half, tx.now + 2 * half
    deductions.hand_on(tx, d, role, remind_at, due_at)
    exception = exceptions.open_about(tx, KIND, d.id)
    if exception is not None:
        exceptions.hand_on(tx, exception, role, due_at)
    handed = replace(d, owner_role=role, owner_user=None)
    _record(work, "deduction.escalated", handed, due_at, was_due_at=d.due_at)
    work.flush()
    return _open(tx, d, remind_at, role, due_at)


def _record(work: Work, what: str, d: Deduction, due_at: datetime, **more: Fact) -> None:
    desk: Facts = {"owner_role": d.owner_role, "owner_user": d.owner_user, "due_at": due_at, **more}
    work.audit(d.id, what, desk, reason_code=d.reason_code)
    work.emit(what, d.id, event_facts(d) | {"due_at": due_at, **more})


def _withdraw_approval(tx: Tx, d: Deduction, process: str | None) -> str:
    """Nobody needs to approve what is over: its approval is withdrawn. Its id, or nothing."""
    if d.approval_id is None or d.status is DeductionStatus.ACCEPTED:
        return ""
    before = APPROVALS.store.get(tx, d.approval_id, lock=True)
    if before.is_ended or before.is_approved:
        return ""
    work = bootstrap_work(tx, SYSTEM, process)
    submitter = Principal(before.chain.submitted_by, tx.org_id, frozenset())
    after = before.moved_to(rules.withdraw(before.chain, submitter), tx.now)
    APPROVALS.store.save(tx, before, after)
    kind_of(after).follow(work, after)
    acts.settled(work, APPROVALS, before.id, "WITHDRAWN", APPROVALS.overdue)
    said = {"before": before.chain.status}
    work.audit(before.id, "approval.withdrawn", said, reason_code="DEDUCTION_CLOSED")
    work.flush()
    return before.id
