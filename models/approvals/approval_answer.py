"""An approval of its own, as it is answered."""

from models.answers import CurrencyAmountAnswer
from models.approvals.answers import (
    ApprovalAnswer,
    ApprovalAuthorityAnswer,
    RoleLimitAnswer,
    decision_answer,
    failure_answer,
    step_answer,
)
from models.approvals.approval import Approval, Authority, RoleLimit


def approval_answer(a: Approval) -> ApprovalAnswer:
    """The approval as it stands; its customer's name is read where it is shown."""
    awaiting = a.awaiting
    return ApprovalAnswer(
        id=a.id,
        kind=a.kind,
        subject_id=a.subject_id,
        summary=a.summary,
        amount=_amount(a),
        lane=a.lane,
        status=a.chain.status,
        step=awaiting.number if awaiting else None,
        role=awaiting.role if awaiting else None,
        due_at=awaiting.due_at if awaiting else None,
        href=a.href,
        warnings=a.warnings,
        customer_id=a.customer_id,
        customer_name=None,
        legal_entity_id=a.legal_entity_id,
        submitted_by=a.chain.submitted_by,
        submitted_at=a.submitted_at,
        reason_code=a.reason_code,
        round=a.chain.round,
        returned=a.chain.returned,
        workflow_id=a.workflow_id,
        closed_at=a.closed_at,
        steps=[step_answer(s) for s in a.chain.steps],
        decisions=[decision_answer(d) for d in a.decisions],
        failure=failure_answer(a),
        authority=None if a.authority is None else _authority(a.authority),
    )


def _amount(a: Approval) -> CurrencyAmountAnswer | None:
    if a.amount_minor is None or a.currency_code is None:
        return None
    return CurrencyAmountAnswer(currency_code=a.currency_code, minor=a.amount_minor)


def _authority(begun: Authority) -> ApprovalAuthorityAnswer:
    return ApprovalAuthorityAnswer(
        version=begun.version,
        functional_minor=begun.functional_minor,
        given_minor=begun.given_minor,
        submitter=_limit(begun.submitter),
        steps=[_limit(step) for step in begun.steps],
    )


def _limit(given: RoleLimit) -> RoleLimitAnswer:
    return RoleLimitAnswer(role=given.role, limit_minor=given.limit_minor)
