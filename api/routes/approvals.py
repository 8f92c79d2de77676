"""How an organisation approves: its policy, and who is away."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from api.deps import ORGANISATION, OWN, IdempotencyKey, Principal, Somebody, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.write import Write, write
from models.customers.approval_policy import PolicyAsRead
from models.values import Body, RecordId
from operations.customers.out_of_office import absence_body
from operations.customers.policies import policy_body

router = gated_router("approvals")
Oneself = Annotated[Principal, requires(None, OWN)]


class Absence(Body):
    """From when to when someone is away (RFC 3339, with offset), and who stands in."""

    starts_at: Annotated[datetime, Field(strict=False)]
    ends_at: Annotated[datetime, Field(strict=False)]
    delegate_user_id: RecordId | None = None


@router.get("/v1/approval-policies")
def read_policy(request: Request, who: Annotated[Principal, requires("settings.read")]) -> dict[str, Any]:
    """The organisation's policy, and the steps that follow from it."""
    with reading(request, who) as tx:
        return policy_body(tx)


@router.put("/v1/approval-policies", responses=refusals("POLICY_LOOSENED", "VERSION_MISMATCH"))
async def put_policy(
    request: Request,
    body: PolicyAsRead,
    who: Annotated[Principal, requires("settings.write", ORGANISATION)],
    key: IdempotencyKey,
) -> Response:
    """Replace the policy. It may ask more than every organisation needs, never less. What was read may be sent back."""
    return await write(request, who, key, Write("approval_policy.put", body.dump(), who.org_id))


@router.get("/v1/out-of-office")
def read_absence(request: Request, who: Somebody) -> dict[str, Any]:
    """One's own absence, and whose stand-in one is now."""
    with reading(request, who) as tx:
        return absence_body(tx, who.sub)


@router.put("/v1/out-of-office")
async def put_absence(request: Request, body: Absence, who: Oneself, key: IdempotencyKey) -> Response:
    """Say that one is away; an earlier word is replaced."""
    return await write(request, who, key, Write("out_of_office.put", body.model_dump(mode="json"), who.org_id))


@router.delete("/v1/out-of-office")
async def delete_absence(request: Request, who: Oneself, key: IdempotencyKey) -> Response:
    """Say that one is back."""
    return await write(request, who, key, Write("out_of_office.delete", {}, who.org_id))
