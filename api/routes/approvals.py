"""Approvals in one place: what waits for a person, of every kind, and what may be done to it."""

from typing import Annotated, Any, Final, Literal

from fastapi import Header, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answering import shown
from api.deciding import DecideApproval, DecidedBatchAnswer, act, decide_many
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading
from api.signing import signed
from models.answers import Page
from models.approvals.answers import ApprovalAnswer, ApprovalTokenAnswer
from models.approvals.chain import ChangeStatus, require_reason
from models.approvals.evidence import ApprovalEvidenceAnswer
from models.approvals.kinds import KINDS, ApprovalKind, moment_of
from models.approvals.requests import DecideChange, DelegateStep, ResubmitApproval, WithdrawChange
from models.customers.evidence import EvidenceAnswer
from models.customers.requests import ResubmitChange
from models.db.engine import transaction
from models.inbox.wanted import WAITING, Wanted
from models.values import Body
from operations.approvals.families import require_family
from operations.approvals.packets import packet
from operations.approvals.tokens import issue
from operations.inbox import waiting
from operations.inbox.evidence import evidence_of

router = gated_router("approvals")

Reader = Annotated[Principal, requires("changes.read")]
Approver = Annotated[Principal, requires("changes.decide", RECORD)]
Submitter = Annotated[Principal, requires("changes.submit", RECORD)]
BATCH_LIMIT: Final = 100
_LIST: Final = "approvals"
_MISSING: Final = refusals("APPROVAL_NOT_FOUND", "CHANGE_NOT_FOUND", "IMPORT_NOT_FOUND")
_REFUSED: Final = refusals(
    "APPROVAL_NOT_FOUND", "CHANGE_NOT_FOUND", "IMPORT_NOT_FOUND", "SEGREGATION_OF_DUTIES", "STEP_NOT_PENDING",
    "CHANGE_CLOSED", "IMPORT_CLOSED", "IMPORT_NOT_AWAITING_REVIEW",
)  # fmt: skip
_GOES_ON: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": ApprovalAnswer, "description": "Nobody has done it after five seconds; the approval as it stands."}
}
_ACTED: Final = _REFUSED | _GOES_ON


class DecideApprovals(Body):
    """Up to 100 decisions. One that is refused says why, beside those that are taken."""

    decisions: Annotated[list[DecideApproval], Field(min_length=1, max_length=BATCH_LIMIT)]


@router.get("/v1/approvals", response_model=Page[ApprovalAnswer])
def list_approvals(
    request: Request,
    page: Paging,
    who: Reader,
    awaiting: Annotated[Literal["me"] | None, Query(description="`me`: what I may decide now")] = None,
    submitted: Annotated[Literal["me"] | None, Query(description="`me`: what I have submitted")] = None,
    kind: ApprovalKind | None = None,
    status: Annotated[
        str | None, Query(pattern="^(?i:pending|pending_approval|approved|rejected|withdrawn|failed)$")
    ] = None,
) -> Response:
    """Approvals that wait for somebody, of every kind, oldest first; with `status` what is, or has become, of that status. Only
    what one may read is listed."""
    after = page.after(_LIST, str)
    said = None if status is None else "PENDING_APPROVAL" if status.lower() == "pending" else status.upper()
    wanted = Wanted(
        who=who,
        kinds=KINDS if kind is None else (kind,),
        statuses=WAITING if said is None else frozenset({ChangeStatus(said)}),
        awaiting=awaiting is not None,
        submitted=submitted is not None,
        after=after[0] if after else None,
        limit=page.fetch,
    )
    with reading(request, who) as tx:
        found = waiting.page(tx, wanted)
    return shown(page.of(_LIST, found, key=lambda one: (moment_of(one.id),), item=lambda one: one))


@router.post("/v1/approvals:decide", response_model=DecidedBatchAnswer)
async def decide_approvals(request: Request, body: DecideApprovals, who: Approver, key: IdempotencyKey) -> Response:
    """Decide several approvals, each in a transaction of its own, answered in the order of the request."""
    return await decide_many(request, who, key, body.decisions)


@router.get("/v1/approvals/{approval_id}", response_model=ApprovalAnswer, responses=_MISSING)
def get_approval(request: Request, approval_id: str, who: Reader) -> Response:
    """One approval, of whatever kind: its chain, its warnings, the decisions of every round."""
    with reading(request, who) as tx:
        return shown(waiting.approval(tx, who, approval_id))


@router.post(
    "/v1/approvals/{approval_id}/decisions",
    response_model=ApprovalAnswer,
    responses=refusals("REASON_REQUIRED") | _ACTED,
)
async def decide_approval(
    request: Request, approval_id: str, body: DecideChange, who: Approver, key: IdempotencyKey
) -> Response:
    """Approve, reject or return a step. The last approval answers when what it allows has been carried out."""
    require_reason(body.decision, body.reason_code)
    return await act(request, who, key, "decide", approval_id, body)


@router.post(
    "/v1/approvals/{approval_id}/delegate",
    response_model=ApprovalAnswer,
    responses=refusals("DELEGATE_LACKS_ROLE") | _ACTED,
)
async def delegate_approval(
    request: Request, approval_id: str, body: DelegateStep, who: Approver, key: IdempotencyKey
) -> Response:
    """Give a step of an approval to another person who holds its role."""
    return await act(request, who, key, "delegate", approval_id, body)


@router.post("/v1/approvals/{approval_id}/withdraw", response_model=ApprovalAnswer, responses=_ACTED)
async def withdraw_approval(
    request: Request, approval_id: str, who: Submitter, key: IdempotencyKey, body: WithdrawChange | None = None
) -> Response:
    """The submitter takes back an approval that was asked for, as long as it is not approved whole."""
    return await act(request, who, key, "withdraw", approval_id, body or WithdrawChange())


@router.post("/v1/approvals/{approval_id}/resubmit", response_model=ApprovalAnswer, responses=_ACTED)
async def resubmit_approval(
    request: Request, approval_id: str, who: Submitter, key: IdempotencyKey, body: ResubmitApproval | None = None
) -> Response:
    """Submit an approval again that was returned or could not be carried out, as things are now: a new round of decisions. A
    change is corrected by its own path."""
    asked = body or ResubmitApproval()
    again = ResubmitChange() if approval_id.startswith("chg_") else asked
    return await act(request, who, key, "resubmit", approval_id, again)


@router.get(
    "/v1/approvals/{approval_id}/evidence",
    response_model=EvidenceAnswer | ApprovalEvidenceAnswer,
    responses=_MISSING,
)
def get_evidence_of_approval(
    request: Request, approval_id: str, who: Reader, accept: Annotated[str, Header(max_length=1000)] = "*/*"
) -> Response:
    """Who asked for what, who decided, when and why, under which limits, with the audit chain. `Accept: application/pdf`: the
    packet. `arflow verify-evidence` checks either, without the database."""
    with reading(request, who) as tx:
        found = evidence_of(tx, who, approval_id)
    document = signed(request, found)
    if "application/pdf" in accept.lower():
        name = f'attachment; filename="{approval_id}.pdf"'
        return Response(packet(document), headers={"Content-Disposition": name}, media_type="application/pdf")
    return shown(document)


@router.get(
    "/v1/approvals/{approval_id}/approval-token",
    response_model=ApprovalTokenAnswer,
    responses=_REFUSED,
)
async def get_token_of_approval(request: Request, approval_id: str, who: Approver) -> Response:
    """A single-use token for deciding the approval's pending step by the signal `decide` of the Temporal CLI or UI."""

    def make() -> ApprovalTokenAnswer:
        require_family(approval_id)
        with transaction(request.app.state.engine, who.org_id) as tx:
            return issue(tx, who, approval_id)

    return shown(await run_in_threadpool(make))
