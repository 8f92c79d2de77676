"""A case is escalated: an owner, a reason, a due time, an exception on the owner's desk; later reminded, handed on, settled."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from models.customer_360.answers import EscalatedCaseAnswer, escalated_case_answer
from models.customer_360.escalation import OWNERS, deadline
from models.customer_360.records import Escalation, EscalationStatus, WatchedEscalation
from models.customer_360.requests import EscalateCase
from models.db import exceptions
from models.db.customer_360 import escalations
from models.db.master_data import settings_of
from models.db.tx import Tx
from models.errors import Refusal
from models.exceptions.owners import next_owner
from models.facts import Fact, Facts
from models.ids import new_id
from models.messages.customer_360 import EscalationInput, EscalationTimes
from operations import execution
from operations.organisations import bootstrap_work
from operations.runner import operation
from operations.work import Outcome, Work

KIND = "case_escalation"
SYSTEM = "system"


@operation("escalate_case", EscalateCase, EscalatedCaseAnswer, execution.Posting("EscalateCase", "customers.read"))
def escalate_case(work: Work, asked: EscalateCase) -> Outcome[EscalatedCaseAnswer]:
    """Put the case on the desk of its first owner. A closed case, or one escalated already, is refused."""
    case = escalations.lock_case(work.tx, str(work.cmd.resource_id))
    work.require_entity(case.legal_entity_id)
    if case.closed:
        raise Refusal("CASE_CLOSED", f"{case.id} is closed ({case.status}).", status_of_case=case.status)
    if case.escalation_id is not None and not _settled(work, case.escalation_id):
        detail = f"{case.id} is escalated already ({case.escalation_id})."
        raise Refusal("CASE_ALREADY_ESCALATED", detail, escalation_id=case.escalation_id)
    due = deadline(case.priority_rank, work.now, settings_of(work.tx).case_escalation_sla_seconds)
    made = Escalation(
        id=new_id("esc"),
        case_id=case.id,
        customer_id=case.customer_id,
        reason_code=asked.reason_code,
        note=asked.note,
        status=EscalationStatus.OPEN,
        owner_role=OWNERS[0],
        escalated_by=work.cmd.actor,
        escalated_at=work.now,
        remind_at=due.remind_at,
        due_at=due.due_at,
        command_id=work.cmd.id,
        workflow_id=work.cmd.workflow_id,
    )
    work.tx.insert("case_escalations", [made])
    work.open_exception(
        KIND, made.reason_code, case.id, owner_role=made.owner_role, due_in=made.due_at - work.now,
        legal_entity_id=case.legal_entity_id, detail={"customer_id": case.customer_id, "escalation_id": made.id},
    )  # fmt: skip
    _record(work, "case.escalated", made, due_at=made.due_at, priority=case.priority)
    return Outcome(escalated_case_answer(case, made))


def look(tx: Tx, start: EscalationInput, process: str | None = None) -> EscalationTimes | None:
    """What is due by now is done, in the name of that process: half-way the owner is reminded, at the due time the
    next owner is asked. None where the escalation is gone."""
    e = escalations.lock(tx, start.escalation_id or escalations.of_command(tx, start.command_id))
    if e is None:
        return None
    if not _still_open(tx, e, process):
        return EscalationTimes(start.escalation_id, False)
    if e.due_at <= tx.now:
        return _hand_on(tx, e, process)
    if e.reminded_at is None and e.remind_at > tx.now:
        return _open(tx, e.id, e.remind_at, e.due_at)
    if e.reminded_at is None:
        work = bootstrap_work(tx, SYSTEM, process)
        escalations.mark_reminded(tx, e.id)
        _record(work, "case.escalation.reminded", e, due_at=e.due_at)
        work.flush()
    return _open(tx, e.id, None, e.due_at)


def _hand_on(tx: Tx, e: Escalation, process: str | None) -> EscalationTimes:
    """The due time has passed: the next owner is asked, with as much time again."""
    work = bootstrap_work(tx, SYSTEM, process)
    owner = next_owner(OWNERS, e.owner_role)
    half = e.due_at - e.remind_at
    remind_at, due_at = tx.now + half, tx.now + 2 * half
    escalations.hand_on(tx, e.id, owner, remind_at, due_at)
    exception = exceptions.open_about(tx, KIND, e.case_id)
    if exception is not None:
        exceptions.hand_on(tx, exception, owner, due_at)
    _record(work, "case.escalation.overdue", replace(e, owner_role=owner), was_due_at=e.due_at)
    work.flush()
    return _open(tx, e.id, remind_at, due_at)


def _open(tx: Tx, escalation_id: str, remind_at: datetime | None, due_at: datetime) -> EscalationTimes:
    next_in = ((remind_at or due_at) - tx.now).total_seconds()
    return EscalationTimes(escalation_id, True, remind_at, due_at, next_in)


def resolve_closed(work: Work, case_ids: Sequence[str]) -> None:
    """Settle the escalations of cases that their source has closed."""
    for e in escalations.open_of_closed_cases(work.tx, case_ids):
        _settle(work, e, "CASE_CLOSED")


def _still_open(tx: Tx, e: WatchedEscalation, process: str | None) -> bool:
    """Open, its case not closed, and nobody has resolved its exception; else it is settled here."""
    if e.status is not EscalationStatus.OPEN:
        return False
    if not e.case_closed and exceptions.open_about(tx, KIND, e.case_id) is not None:
        return True
    work = bootstrap_work(tx, SYSTEM, process)
    _settle(work, e, "CASE_CLOSED" if e.case_closed else "EXCEPTION_RESOLVED")
    work.flush()
    return False


def _settled(work: Work, escalation_id: str) -> bool:
    """Whether somebody has resolved the exception of an escalation that its process has not looked at since."""
    e = escalations.lock(work.tx, escalation_id)
    if e is None or exceptions.open_about(work.tx, KIND, e.case_id) is not None:
        return False
    _settle(work, e, "EXCEPTION_RESOLVED")
    return True


def _settle(work: Work, e: Escalation, code: str) -> None:
    escalations.resolve(work.tx, e.id)
    exceptions.resolve_about(work.tx, KIND, e.case_id, work.cmd.actor, code)
    _record(work, "case.escalation.resolved", replace(e, reason_code=code))


def _record(work: Work, action: str, e: Escalation, **more: Fact) -> None:
    """The trail of the case and of its customer, and the event."""
    facts: Facts = {
        "case_id": e.case_id,
        "customer_id": e.customer_id,
        "escalation_id": e.id,
        **more,
        "owner_role": e.owner_role,
        "reason_code": e.reason_code,
    }
    work.audit(e.case_id, action, facts, reason_code=e.reason_code)
    about = {"case_id": e.case_id, "escalation_id": e.id}
    work.audit(e.customer_id, action, about, reason_code=e.reason_code)
    work.emit(action, e.case_id, facts)
