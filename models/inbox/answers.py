"""Approvals of every kind in the one shape in which they are listed: made of what each kind answers by itself.

A name is nowhere in a summary: it is read anew whenever one is shown, and gone with its customer.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from models.answers import WarningAnswer
from models.approvals.answers import ApprovalAnswer, ChangeDecisionAnswer, ChangeFailureAnswer, ChangeStepAnswer
from models.approvals.chain import ChangeStatus, Decision, StepStatus
from models.customers.change_answers import ChangeAnswer
from models.imports.answers import ImportAnswer, ImportStepAnswer
from models.imports.records import ImportStatus

_CHANGES: Final[Mapping[str, str]] = {
    "create": "Create a customer",
    "update": "Change a customer",
    "deactivate": "Deactivate a customer",
    "reactivate": "Reactivate a customer",
    "delete": "Erase a customer",
}
_SHOWN_FIELDS: Final = 5


def approval_of_change(c: ChangeAnswer) -> ApprovalAnswer:
    """A customer change as an approval."""
    return ApprovalAnswer(
        id=c.id,
        kind="customer_change",
        subject_id=c.customer_id,
        summary=_summary(c),
        amount=None,
        lane=c.lane,
        status=c.status,
        step=c.awaiting_step,
        role=c.awaiting_role,
        due_at=c.due_at,
        href=f"/v1/customer-changes/{c.id}",
        warnings=c.warnings,
        customer_id=c.customer_id,
        customer_name=_asked_name(c),
        legal_entity_id=c.legal_entity_id,
        submitted_by=c.submitted_by,
        submitted_at=c.submitted_at,
        reason_code=c.reason_code,
        round=c.round,
        returned=c.returned,
        workflow_id=c.workflow_id,
        closed_at=c.closed_at,
        steps=c.steps,
        decisions=c.decisions,
        failure=c.failure,
        authority=None,
    )


def _summary(c: ChangeAnswer) -> str:
    said = _CHANGES[c.operation]
    if c.operation != "update" or not c.diff:
        return said
    fields = list(dict.fromkeys(d.path.split("/")[1] for d in c.diff))
    more = f" and {len(fields) - _SHOWN_FIELDS} more" if len(fields) > _SHOWN_FIELDS else ""
    return f"{said}: {', '.join(fields[:_SHOWN_FIELDS])}{more}"


def _asked_name(c: ChangeAnswer) -> str | None:
    """The name of a customer that does not exist before its approval."""
    if c.operation != "create":
        return None
    return next((str(d.after) for d in c.diff if d.path == "/name"), None)


def named(one: ApprovalAnswer, name: str | None) -> ApprovalAnswer:
    """The approval with its customer's name as it is, where there is one."""
    return one if name is None else replace(one, customer_name=name)


def approval_of_import(one: ImportAnswer) -> ApprovalAnswer:
    """An import's review as an approval; its first step is the validation."""
    pending = next((s for s in one.steps if s.status is StepStatus.PENDING and s.role != "system"), None)
    status = status_of_import(one.status, started=one.started_at is not None)
    waits = pending if status is ChangeStatus.PENDING_APPROVAL else None
    return ApprovalAnswer(
        id=one.id,
        kind="import",
        subject_id=one.id,
        summary=_rows(one),
        amount=None,
        lane="red" if one.lane == "red" else "yellow",
        status=status,
        step=waits.step if waits else None,
        role=waits.role if waits else None,
        due_at=waits.due_at if waits else None,
        href=f"/v1/customer-imports/{one.id}",
        warnings=_warnings(one),
        customer_id=None,
        customer_name=None,
        legal_entity_id=one.legal_entity_id,
        submitted_by=one.submitted_by,
        submitted_at=one.created_at,
        reason_code=None,
        round=1,
        returned=False,
        workflow_id=one.workflow_id,
        closed_at=_closed_at(one, status),
        steps=[_step(s) for s in one.steps],
        decisions=[_decision(s, s.decided_by, s.decided_at) for s in one.steps if s.decided_by and s.decided_at],
        failure=None if one.failure is None else ChangeFailureAnswer(code=one.failure.code, detail=one.failure.detail),
        authority=None,
    )


def status_of_import(status: ImportStatus, *, started: bool) -> ChangeStatus:
    """An import's status in the words of approvals: approved is whatever was begun to be carried out."""
    match status:
        case ImportStatus.REJECTED:
            return ChangeStatus.REJECTED
        case ImportStatus.FAILED:
            return ChangeStatus.FAILED
        case ImportStatus.CANCELLED if not started:
            return ChangeStatus.WITHDRAWN
        case ImportStatus.AWAITING_REVIEW:
            return ChangeStatus.PENDING_APPROVAL
        case ImportStatus.STAGING | ImportStatus.VALIDATING | ImportStatus.VALIDATED:
            return ChangeStatus.SUBMITTED
    return ChangeStatus.APPROVED


def _closed_at(one: ImportAnswer, status: ChangeStatus) -> datetime | None:
    return one.started_at if status is ChangeStatus.APPROVED else one.ended_at


def _rows(one: ImportAnswer) -> str:
    where = "a file" if one.options.connection is None else f"the connection {one.options.connection}"
    would = None if one.summary is None else one.summary.would
    if would is None:
        return f"Import customers from {where}: {one.total_rows} rows"
    return (
        f"Import customers from {where}: {would.create} to create, {would.update} to change, {would.skip} to skip, "
        f"{would.fail} that fail"
    )


def _warnings(one: ImportAnswer) -> list[WarningAnswer]:
    """What the validation warned of, by code."""
    codes = {} if one.summary is None else one.summary.codes
    return [
        WarningAnswer(code=code, detail=f"{rows} {'row' if rows == 1 else 'rows'} of the import.")
        for code, rows in codes.items()
    ]


def _step(s: ImportStepAnswer) -> ChangeStepAnswer:
    return ChangeStepAnswer(
        step=s.step,
        role=s.role,
        status=s.status,
        decided_by=s.decided_by,
        decided_at=s.decided_at,
        reason_code=s.reason_code,
        comment=s.comment,
        due_at=s.due_at,
        started_at=s.started_at,
        on_behalf_of=s.on_behalf_of,
        delegated_to=s.delegated_to,
        delegated_by=s.delegated_by,
        delegated_until=s.delegated_until,
        reminded_at=None,
        escalated_at=s.escalated_at,
        fallback=s.fallback or "",
    )


def _decision(s: ImportStepAnswer, by: str, at: datetime) -> ChangeDecisionAnswer:
    return ChangeDecisionAnswer(
        round=1,
        step=s.step,
        role=s.role,
        decision=Decision.APPROVE if s.status is StepStatus.APPROVED else Decision.REJECT,
        decided_by=by,
        on_behalf_of=s.on_behalf_of,
        decided_at=at,
        reason_code=s.reason_code,
        comment=s.comment,
        channel="api",
    )
