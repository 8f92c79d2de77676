"""Changes of customers: the approver's inbox, decisions, delegation, evidence, tokens for signals."""

from typing import Annotated, Literal

from fastapi import Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.signing import signed
from api.write import SUBMITTED, Write, write
from models.access import with_included
from models.answers import Page
from models.approvals.answers import ApprovalTokenAnswer
from models.approvals.chain import require_reason
from models.approvals.requests import DecideChange, DelegateStep, WithdrawChange
from models.customers.change_answers import ChangeAnswer, change_answer
from models.customers.evidence import EvidenceAnswer
from models.customers.requests import ResubmitChange
from models.db.customers import change_lists, changes
from models.db.engine import transaction
from models.values import Body
from operations.approvals.packets import packet
from operations.approvals.tokens import issue
from operations.customers.visibility import change_seen, require_change
from operations.inbox.evidence import evidence_of_change

router = gated_router("approvals")

Reader = Annotated[Principal, requires("changes.read")]
Approver = Annotated[Principal, requires("changes.decide", RECORD)]
Submitter = Annotated[Principal, requires("changes.submit", RECORD)]


@router.get("/v1/customer-changes", response_model=Page[ChangeAnswer])
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
    submitted_by: Annotated[str | None, Query(description="A person's id, or `me`: what I have submitted")] = None,
) -> Response:
    """Changes, oldest first; with `awaiting=me` the inbox: those whose pending step the caller may decide now."""
    after = page.after("customer-changes", str)
    start = after[0] if after else None
    state = None if status is None else "PENDING_APPROVAL" if status.lower() == "pending" else status.upper()
    with reading(request, who) as tx:
        if awaiting == "me":
            roles = sorted(with_included(who.roles)) if state in (None, "PENDING_APPROVAL") else []
            found = change_lists.inbox(
                tx, user=who.sub, roles=roles, entities=who.entities, after=start, limit=page.fetch
            )
        else:
            found = change_lists.list_changes(
                tx, who.entities, status=state, customer_id=customer_id, operation=operation,
                submitted_by=who.sub if submitted_by == "me" else submitted_by, after=start, limit=page.fetch,
            )  # fmt: skip
    return shown(page.of("customer-changes", found, key=lambda c: (c.id,), item=change_answer))


@router.get("/v1/customer-changes/{change_id}", response_model=ChangeAnswer, responses=refusals("CHANGE_NOT_FOUND"))
def get_change(request: Request, change_id: str, who: Reader) -> Response:
    """One change: its chain, its diff, its warnings, the decisions of every round. SUBMITTED while it is only kept."""
    with reading(request, who) as tx:
        return shown(change_answer(change_seen(tx, who, change_id)))


@router.post(
    "/v1/customer-changes/{change_id}/decisions",
    response_model=ChangeAnswer,
    responses=refusals(
        "REASON_REQUIRED", "CHANGE_NOT_FOUND", "SEGREGATION_OF_DUTIES", "STEP_NOT_PENDING", "CHANGE_CLOSED"
    )
    | SUBMITTED,
)
async def decide_change(
    request: Request, change_id: str, body: DecideChange, who: Approver, key: IdempotencyKey
) -> Response:
    """Approve, reject or return a step. The last approval answers when the change has been carried out."""
    require_reason(body.decision, body.reason_code)
    w = _about(change_id, "change.decide", body)
    return await write(request, who, key, w)


@router.post(
    "/v1/customer-changes/{change_id}/withdraw",
    response_model=ChangeAnswer,
    responses=refusals("CHANGE_NOT_FOUND", "CHANGE_CLOSED") | SUBMITTED,
)
async def withdraw_change(
    request: Request, change_id: str, who: Submitter, key: IdempotencyKey, body: WithdrawChange | None = None
) -> Response:
    """The submitter takes the change back."""
    w = _about(change_id, "change.withdraw", body or WithdrawChange())
    return await write(request, who, key, w)


@router.post(
    "/v1/customer-changes/{change_id}/delegate",
    response_model=ChangeAnswer,
    responses=refusals("CHANGE_NOT_FOUND", "DELEGATE_LACKS_ROLE", "SEGREGATION_OF_DUTIES", "CHANGE_CLOSED") | SUBMITTED,
)
async def delegate_step(
    request: Request, change_id: str, body: DelegateStep, who: Approver, key: IdempotencyKey
) -> Response:
    """Give a step of the change to another person who holds its role."""
    w = _about(change_id, "change.delegate", body)
    return await write(request, who, key, w)


@router.post(
    "/v1/customer-changes/{change_id}/resubmit",
    response_model=ChangeAnswer,
    responses=refusals("CHANGE_NOT_FOUND", "STEP_NOT_PENDING", "CHANGE_CLOSED") | SUBMITTED,
)
async def resubmit_change(
    request: Request, change_id: str, who: Submitter, key: IdempotencyKey, body: ResubmitChange | None = None
) -> Response:
    """Submit a returned change again, corrected; or re-base a failed one on the record as it is now."""
    w = _about(change_id, "change.resubmit", body or ResubmitChange())
    return await write(request, who, key, w)


@router.get(
    "/v1/customer-changes/{change_id}/evidence",
    response_model=EvidenceAnswer,
    responses=refusals("CHANGE_NOT_FOUND"),
)
def get_evidence(
    request: Request, change_id: str, who: Reader, accept: Annotated[str, Header(max_length=1000)] = "*/*"
) -> Response:
    """Who submitted, what changed, who decided, when and why, with the audit chain. `Accept: application/pdf`: the packet.

    `arflow verify-evidence` checks either, without the database.
    """
    with reading(request, who) as tx:
        change = changes.get(tx, change_id)
        require_change(change, who.entities)
        document = evidence_of_change(tx, change)
    document = signed(request, document)
    if "application/pdf" in accept.lower():
        name = f'attachment; filename="{change_id}.pdf"'
        return Response(packet(document), headers={"Content-Disposition": name}, media_type="application/pdf")
    return shown(document)


@router.get(
    "/v1/customer-changes/{change_id}/approval-token",
    response_model=ApprovalTokenAnswer,
    responses=refusals("CHANGE_NOT_FOUND", "SEGREGATION_OF_DUTIES", "STEP_NOT_PENDING", "CHANGE_CLOSED"),
)
async def get_approval_token(request: Request, change_id: str, who: Approver) -> Response:
    """A single-use token for deciding the change's pending step by the signal `decide` of the Temporal CLI or UI."""

    def make() -> ApprovalTokenAnswer:
        with transaction(request.app.state.engine, who.org_id) as tx:
            return issue(tx, who, change_id)

    return shown(await run_in_threadpool(make))


def _about(change_id: str, operation: str, body: Body) -> Write:
    return Write(operation, body, change_id, change_id)
