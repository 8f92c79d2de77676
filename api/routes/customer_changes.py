"""Changes of customers: the approver's inbox, decisions, delegation, evidence, tokens for signals."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Header, Query, Request
from pydantic import Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.write import SUBMITTED, Write, write
from models.access import with_included
from models.checks import invalid
from models.customers.approval import Decision, require_reason
from models.customers.bodies import CustomerCreate
from models.customers.patch import CustomerPatch
from models.db.customers import changes
from models.db.engine import transaction
from models.db.tx import to_json
from models.values import Body, Choice, ReasonCode, RecordId, Text
from operations.customers.approval_tokens import issue
from operations.customers.evidence import evidence, packet
from operations.customers.view import change_body, summary_body
from operations.customers.visibility import require_change

router = gated_router("approvals")

Reader = Annotated[Principal, requires("changes.read")]
Approver = Annotated[Principal, requires("changes.decide", RECORD)]
Submitter = Annotated[Principal, requires("changes.submit", RECORD)]


class NewDecision(Body):
    """`step` is the pending one unless given. Rejecting and returning need a reason code."""

    step: Annotated[int, Field(ge=1, le=100)] | None = None
    decision: Choice[Decision]
    reason_code: ReasonCode | None = None
    comment: Text | None = None


class NewDelegation(Body):
    """`until`: a moment (UTC unless it says otherwise), or a date to whose end the delegation holds."""

    step: Annotated[int, Field(ge=1, le=100)]
    to_user_id: RecordId
    until: str | None = None

    @field_validator("until")
    @classmethod
    def _a_moment(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                datetime.fromisoformat(value)
        except ValueError:
            raise invalid("FIELD_TYPE", "A date or a time as in RFC 3339.") from None
        return value


class Withdrawal(Body):
    """Why, if one likes to say."""

    reason_code: ReasonCode | None = None


class Resubmission(Body):
    """The corrected body: `customer` of a create, `patch` of an update. Without either the change is re-based as it was."""

    customer: CustomerCreate | None = None
    patch: CustomerPatch | None = None


@router.get("/v1/customer-changes")
def list_changes(
    request: Request,
    page: Paging,
    who: Reader,
    status: Annotated[
        str | None, Query(pattern="^(?i:pending|pending_approval|approved|rejected|withdrawn|failed)$")
    ] = None,
    awaiting: Annotated[Literal["me"] | None, Query(description="`me`: what I may decide now")] = None,
    customer_id: str | None = None,
    operation: Annotated[str | None, Query(pattern="^(create|update|deactivate|reactivate|delete)$")] = None,
    submitted_by: str | None = None,
) -> Response:
    """Changes, oldest first; with `awaiting=me` the inbox: those whose pending step the caller may decide now."""
    after = page.after("customer-changes", str)
    start = after[0] if after else None
    entities = None if who.entities is None else sorted(who.entities)
    state = None if status is None else "PENDING_APPROVAL" if status.lower() == "pending" else status.upper()
    with reading(request, who) as tx:
        if awaiting == "me":
            roles = sorted(with_included(who.roles)) if state in (None, "PENDING_APPROVAL") else []
            rows = changes.inbox(tx, user=who.sub, roles=roles, entities=entities, after=start, limit=page.fetch)
        else:
            rows = changes.page(
                tx,
                status=state,
                customer_id=customer_id,
                operation=operation,
                submitted_by=submitted_by,
                entities=entities,
                after=start,
                limit=page.fetch,
            )
        steps = changes.steps_of(tx, rows)
    body = page.answer(
        "customer-changes", rows, key=lambda r: (r["id"],), item=lambda r: summary_body(r, steps[r["id"]])
    )
    return Response(to_json(body), media_type="application/json")


@router.get("/v1/customer-changes/{change_id}", responses=refusals("CHANGE_NOT_FOUND"))
def read_change(request: Request, change_id: str, who: Reader) -> Response:
    """One change: its chain, its diff, its warnings, the decisions of every round."""
    with reading(request, who) as tx:
        row = changes.get(tx, change_id)
        require_change(row, who.entities)
        body = change_body(tx, change_id)
    return Response(to_json(body), media_type="application/json")


@router.post(
    "/v1/customer-changes/{change_id}/decisions",
    responses=refusals(
        "REASON_REQUIRED", "CHANGE_NOT_FOUND", "SEGREGATION_OF_DUTIES", "STEP_NOT_PENDING", "CHANGE_CLOSED"
    )
    | SUBMITTED,
)
async def decide(request: Request, change_id: str, body: NewDecision, who: Approver, key: IdempotencyKey) -> Response:
    """Approve, reject or return a step. The last approval answers when the change has been carried out."""
    require_reason(body.decision, body.reason_code)
    w = _about(change_id, "change.decide", body.model_dump(mode="json"))
    return await write(request, who, key, w)


@router.post(
    "/v1/customer-changes/{change_id}/withdraw", responses=refusals("CHANGE_NOT_FOUND", "CHANGE_CLOSED") | SUBMITTED
)
async def withdraw(
    request: Request, change_id: str, who: Submitter, key: IdempotencyKey, body: Withdrawal | None = None
) -> Response:
    """The submitter takes the change back."""
    given = {} if body is None else body.model_dump(mode="json")
    return await write(request, who, key, _about(change_id, "change.withdraw", given))


@router.post(
    "/v1/customer-changes/{change_id}/delegate",
    responses=refusals("CHANGE_NOT_FOUND", "DELEGATE_LACKS_ROLE", "SEGREGATION_OF_DUTIES", "CHANGE_CLOSED") | SUBMITTED,
)
async def delegate(
    request: Request, change_id: str, body: NewDelegation, who: Approver, key: IdempotencyKey
) -> Response:
    """Give a step to another person who holds its role."""
    w = _about(change_id, "change.delegate", body.model_dump(mode="json"))
    return await write(request, who, key, w)


@router.post(
    "/v1/customer-changes/{change_id}/resubmit",
    responses=refusals("CHANGE_NOT_FOUND", "STEP_NOT_PENDING", "CHANGE_CLOSED") | SUBMITTED,
)
async def resubmit(
    request: Request, change_id: str, who: Submitter, key: IdempotencyKey, body: Resubmission | None = None
) -> Response:
    """Submit a returned change again, corrected; or re-base a failed one on the record as it is now."""
    given = None if body is None else body.customer or body.patch
    w = _about(change_id, "change.resubmit", {"request": None if given is None else given.dump()})
    return await write(request, who, key, w)


@router.get("/v1/customer-changes/{change_id}/evidence", responses=refusals("CHANGE_NOT_FOUND"))
def read_evidence(
    request: Request, change_id: str, who: Reader, accept: Annotated[str, Header(max_length=1000)] = "*/*"
) -> Response:
    """Who submitted, what changed, who decided, when and why, with the audit chain. `Accept: application/pdf`: the packet.

    `arflow verify-evidence` checks either, without the database.
    """
    with reading(request, who) as tx:
        row = changes.get(tx, change_id)
        require_change(row, who.entities)
        document = evidence(tx, row)
    if "application/pdf" in accept.lower():
        name = f'attachment; filename="{change_id}.pdf"'
        return Response(packet(document), headers={"Content-Disposition": name}, media_type="application/pdf")
    return Response(to_json(document), media_type="application/json")


@router.get(
    "/v1/customer-changes/{change_id}/approval-token",
    responses=refusals("CHANGE_NOT_FOUND", "SEGREGATION_OF_DUTIES", "STEP_NOT_PENDING", "CHANGE_CLOSED"),
)
async def approval_token(request: Request, change_id: str, who: Approver) -> dict[str, Any]:
    """A single-use token for deciding the pending step by the signal `decide` of the Temporal CLI or UI."""

    def make() -> dict[str, Any]:
        with transaction(request.app.state.engine, who.org_id) as tx:
            return issue(tx, who, change_id)

    return await run_in_threadpool(make)


def _about(change_id: str, operation: str, body: dict[str, Any]) -> Write:
    return Write(operation, body, change_id, change_id)
