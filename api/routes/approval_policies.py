"""How an organisation approves: its policy, and who is away."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import ORGANISATION, OWN, IdempotencyKey, Principal, Somebody, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.write import Write, write
from models.customers.approval_answers import ApprovalPolicyAnswer, OutOfOfficeAnswer, policy_answer
from models.customers.approval_policy import PutApprovalPolicy
from models.customers.requests import SetAbsence
from models.db.customers import policies
from models.values import Empty
from operations.customers.out_of_office import absences

router = gated_router("approvals")
Oneself = Annotated[Principal, requires(None, OWN)]


@router.get("/v1/approval-policies", response_model=ApprovalPolicyAnswer)
def get_approval_policy(request: Request, who: Annotated[Principal, requires("settings.read")]) -> Response:
    """The organisation's policy, and the steps that follow from it."""
    with reading(request, who) as tx:
        return shown(policy_answer(policies.get(tx)))


@router.put(
    "/v1/approval-policies",
    response_model=ApprovalPolicyAnswer,
    responses=refusals("POLICY_LOOSENED", "VERSION_MISMATCH"),
)
async def put_approval_policy(
    request: Request,
    body: PutApprovalPolicy,
    who: Annotated[Principal, requires("settings.write", ORGANISATION)],
    key: IdempotencyKey,
) -> Response:
    """Replace the policy. It may ask more than every organisation needs, never less. What was read may be sent back."""
    return await write(request, who, key, Write("approval_policy.put", body, who.org_id))


@router.get("/v1/out-of-office", response_model=OutOfOfficeAnswer)
def get_absence(request: Request, who: Somebody) -> Response:
    """One's own absence, and whose stand-in one is now."""
    with reading(request, who) as tx:
        return shown(absences(tx, who.sub))


@router.put("/v1/out-of-office", response_model=OutOfOfficeAnswer)
async def put_absence(request: Request, body: SetAbsence, who: Oneself, key: IdempotencyKey) -> Response:
    """State one's own absence, and who stands in; an earlier word is replaced."""
    return await write(request, who, key, Write("out_of_office.put", body, who.org_id))


@router.delete("/v1/out-of-office", response_model=OutOfOfficeAnswer)
async def delete_absence(request: Request, who: Oneself, key: IdempotencyKey) -> Response:
    """End one's own absence: one is back, and the stand-in decides no more."""
    return await write(request, who, key, Write("out_of_office.delete", Empty(), who.org_id))
