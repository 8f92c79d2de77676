"""A case is escalated: an owner, a reason, a due time, an exception on the owner's desk; later reminded, handed on, settled."""

from collections.abc import Sequence
from typing import Any

from models.customer_360.escalation import OWNERS, deadline, next_owner
from models.db.customer_360 import escalations
from models.db.master_data import settings_of
from models.db.tx import Tx
from models.errors import Refusal
from models.ids import new_id
from models.messages.customer_360 import EscalationInput, EscalationTimes
from operations import carried
from operations.organisations import bootstrap_work
from operations.runner import untyped_operation
from operations.work import Outcome, Work

KIND = "case_escalation"
SYSTEM = "system"


@untyped_operation("escalate_case", carried.Posting("EscalateCase"))
def escalate_case(work: Work) -> Outcome[Any]:
    """Put the case on the desk of its first owner. A closed case, or one escalated already, is refused."""
    b = work.cmd.body
    case = escalations.lock_case(work.tx, str(work.cmd.resource_id))
    work.require_entity(case["legal_entity_id"])
    if case["closed"]:
        raise Refusal("CASE_CLOSED", f"{case['id']} is closed ({case['status']}).", status_of_case=case["status"])
    if case["escalation_id"] is not None and not _settled(work, case["escalation_id"]):
        detail = f"{case['id']} is escalated already ({case['escalation_id']})."
        raise Refusal("CASE_ALREADY_ESCALATED", detail, escalation_id=case["escalation_id"])
    due = deadline(case["priority_rank"], work.now, settings_of(work.tx).case_escalation_sla_seconds)
    row = {
        "id": new_id("esc"),
        "case_id": case["id"],
        "customer_id": case["customer_id"],
        "reason_code": b["reason_code"],
        "note": b["note"],
        "status": "OPEN",
        "owner_role": OWNERS[0],
        "escalated_by": work.cmd.actor,
        "escalated_at": work.now,
        "remind_at": due.remind_at,
        "due_at": due.due_at,
        "command_id": work.cmd.id,
        "workflow_id": work.cmd.workflow_id,
    }
    work.tx.insert("case_escalations", [row])
    work.open_exception(
        KIND, b["reason_code"], case["id"], owner_role=OWNERS[0], due_in=due.due_at - work.now,
        legal_entity_id=case["legal_entity_id"], detail={"customer_id": case["customer_id"], "escalation_id": row["id"]},
    )  # fmt: skip
    _told(work, "case.escalated", row, due_at=due.due_at.isoformat(), priority=case["priority"])
    return Outcome(_answer(row, case))


def look(tx: Tx, start: EscalationInput, process: str | None = None) -> EscalationTimes:
    """What is due by now is done, in the name of that process: half-way the owner is reminded, at the due time the
    next owner is asked."""
    found = escalations.lock(tx, start.escalation_id or escalations.of_command(tx, start.command_id))
    if found is None or not _still_open(tx, found, process):
        return EscalationTimes(start.escalation_id, False)
    if found["due_at"] <= tx.now:
        return _hand_on(tx, found, process)
    if found["remind_at"] <= tx.now and found["reminded_at"] is None:
        work = bootstrap_work(tx, SYSTEM, process)
        escalations.update(tx, found["id"], reminded_at=tx.now)
        _told(work, "case.escalation.reminded", found, due_at=found["due_at"].isoformat())
        work.flush()
    elif found["reminded_at"] is None:
        return EscalationTimes(found["id"], True, found["remind_at"], found["due_at"])
    return EscalationTimes(found["id"], True, None, found["due_at"])


def _hand_on(tx: Tx, e: Any, process: str | None) -> EscalationTimes:
    """The due time has passed: the next owner is asked, with as much time again."""
    work = bootstrap_work(tx, SYSTEM, process)
    owner = next_owner(e["owner_role"])
    half = e["due_at"] - e["remind_at"]
    remind_at, due_at = tx.now + half, tx.now + 2 * half
    times = {"remind_at": remind_at, "due_at": due_at, "overdue_at": tx.now, "reminded_at": None}
    escalations.update(tx, e["id"], owner_role=owner, **times)
    exception = escalations.open_exception_of(tx, KIND, e["case_id"])
    if exception is not None:
        escalations.hand_on(tx, exception, owner, due_at)
    _told(work, "case.escalation.overdue", {**e, "owner_role": owner}, was_due_at=e["due_at"].isoformat())
    work.flush()
    return EscalationTimes(e["id"], True, remind_at, due_at)


def resolve_closed(work: Work, case_ids: Sequence[str]) -> None:
    """Settle the escalations of cases that their source has closed."""
    for e in escalations.open_of_closed_cases(work.tx, case_ids):
        _settle(work, e, "CASE_CLOSED")


def _still_open(tx: Tx, e: Any, process: str | None) -> bool:
    """Open, its case not closed, and nobody has resolved its exception; else it is settled here."""
    if e["status"] != "OPEN":
        return False
    if not e["case_closed"] and escalations.open_exception_of(tx, KIND, e["case_id"]) is not None:
        return True
    work = bootstrap_work(tx, SYSTEM, process)
    _settle(work, e, "CASE_CLOSED" if e["case_closed"] else "EXCEPTION_RESOLVED")
    work.flush()
    return False


def _settled(work: Work, escalation_id: str) -> bool:
    """Whether somebody has resolved the exception of an escalation that its process has not looked at since."""
    e = escalations.lock(work.tx, escalation_id)
    if e is None or escalations.open_exception_of(work.tx, KIND, e["case_id"]) is not None:
        return False
    _settle(work, e, "EXCEPTION_RESOLVED")
    return True


def _settle(work: Work, e: Any, code: str) -> None:
    escalations.update(work.tx, e["id"], status="RESOLVED", resolved_at=work.now)
    escalations.settle(work.tx, KIND, e["case_id"], work.cmd.actor, code)
    _told(work, "case.escalation.resolved", {**e, "reason_code": code})


def _told(work: Work, action: str, e: Any, **more: Any) -> None:
    facts = {"case_id": e["case_id"], "customer_id": e["customer_id"], "escalation_id": e["id"], **more}
    facts |= {k: e[k] for k in ("owner_role", "reason_code") if k in e}
    work.audit(e["case_id"], action, facts, reason_code=e["reason_code"])
    work.audit(
        e["customer_id"], action, {"case_id": e["case_id"], "escalation_id": e["id"]}, reason_code=e["reason_code"]
    )
    work.emit(action, e["case_id"], facts)


def _answer(e: dict[str, Any], case: Any) -> dict[str, Any]:
    return {
        "id": case["id"],
        "status": case["status"],
        "escalated": True,
        "escalation": {
            "id": e["id"],
            "reason_code": e["reason_code"],
            "note": e["note"],
            "owner_role": e["owner_role"],
            "escalated_by": e["escalated_by"],
            "escalated_at": e["escalated_at"].isoformat(),
            "due_at": e["due_at"].isoformat(),
        },
        "href": f"/v1/cases/{case['id']}",
    }
