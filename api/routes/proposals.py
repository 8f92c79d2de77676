"""What assistants propose: an operation shown with its effect, carried out once by the hand of a person."""

import json
from typing import Annotated, Final

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import import_proposals
from api.agents import client_of, how_confirmed
from api.answering import shown
from api.deps import OWN, RECORD, IdempotencyKey, Principal, RequestKey, requires
from api.gate import gated_router, require
from api.invalid import field_errors
from api.problems import STATUS, invalid, refusals
from api.reading import reading
from api.write import Write, write
from models.access import Agent
from models.answers import JsonObject
from models.commands import Answered
from models.conversation.proposals import (
    PROPOSABLE,
    CommittedProposalAnswer,
    ConfirmProposal,
    DeclineProposal,
    KeptProposal,
    MakeProposal,
    ProposalAnswer,
    ProposalRecord,
    ProposalStatus,
)
from models.db import proposals
from models.db.commands import response_of
from models.db.tx import to_json
from models.errors import FieldError, Refusal
from models.values import Empty
from operations.proposals import BODIES, proposal_answer
from operations.runner import OPERATIONS

router = gated_router("conversation")
Anybody = Annotated[Principal, requires(None)]
Proposer = Annotated[Principal, requires(None, RECORD, agents=True)]
Decider = Annotated[Principal, requires(None, OWN, agents=True)]
_ENDED: Final = ("PROPOSAL_NOT_FOUND", "PROPOSAL_CLOSED", "PROPOSAL_EXPIRED", "PROPOSAL_STALE")
_ANY: Final = tuple(
    code for code, status in STATUS.items() if status in (404, 409, 412, 422) or code.startswith("SEGR")
)
_LOOK_AGAIN: Final = "What was shown is not what would happen now. Look at the new effect; nothing has been changed."
_WORLD: Final = (404, 409, 412, 422)
"""What an operation refuses because the records are no longer as they were shown."""


@router.post("/v1/proposals", status_code=201, response_model=ProposalAnswer, responses=refusals(*_ANY))
async def make_proposal(request: Request, body: MakeProposal, who: Proposer, key: IdempotencyKey) -> Response:
    """Show what an operation would do, and keep that for its commit. Nothing is changed. Refused as the operation would be."""
    _may(who, body.operation)
    if (body.record_id is None) is not (PROPOSABLE[body.operation].record is None):
        raise invalid(FieldError("/record_id", "FIELD_INVALID", "Name the record, but of a new one."))
    record_id, asked = body.record_id, None
    if body.operation == import_proposals.OPERATION:
        record_id, asked = await import_proposals.kept_import(request, who, key, body.body)
    kept = _kept(request, who, body.operation, record_id, asked or _as_kept(body))
    return await write(request, who, key, Write("proposal.make", kept, body.record_id or who.org_id))


def _kept(
    request: Request, who: Principal, operation: str, record_id: str | None, body: JsonObject, replaces: str | None = None
) -> KeptProposal:  # fmt: skip
    agent = who.agent or Agent("")
    return KeptProposal(
        operation=operation,
        record_id=record_id,
        body=dict(body),
        agent=agent.name or None,
        client=client_of(request),
        writes_per_hour=agent.writes_per_hour,
        amount_minor_per_day=agent.amount_minor_per_day,
        budget_currency=agent.currency_code,
        replaces=replaces,
    )


def _may(who: Principal, operation: str) -> None:
    """422 for what is not proposed, 403 where the operation's own permission is missing."""
    if operation not in PROPOSABLE or operation not in OPERATIONS:
        raise invalid(FieldError("/operation", "FIELD_INVALID", f"One of {', '.join(PROPOSABLE)}."))
    require(who, PROPOSABLE[operation].permission)


def _as_kept(asked: MakeProposal) -> JsonObject:
    """The body as the operation's own path would take it, and as the operation does."""
    takes, kept = BODIES[asked.operation]
    try:
        found = takes.model_validate(asked.body)
    except ValidationError as wrong:
        errors = field_errors([{**e, "loc": ("body", "body", *e["loc"])} for e in wrong.errors()])
        raise invalid(*errors) from None
    return kept(found).model_dump(mode="json")


@router.get("/v1/proposals/{proposal_id}", response_model=ProposalAnswer, responses=refusals("PROPOSAL_NOT_FOUND"))
def get_proposal(request: Request, proposal_id: str, who: Anybody) -> Response:
    """A proposal of one's own, with its effect in words."""
    p, expired = _own(request, who, proposal_id)
    return shown(proposal_answer(p, expired=expired))


@router.post(
    "/v1/proposals/{proposal_id}/decline", response_model=ProposalAnswer, responses=refusals(*_ENDED),
)  # fmt: skip
async def decline_proposal(
    request: Request, proposal_id: str, who: Decider, key: IdempotencyKey, body: DeclineProposal | None = None
) -> Response:
    """The person says no. Nothing happens, now or later."""
    return await write(request, who, key, Write("proposal.decline", body or DeclineProposal(), proposal_id))


@router.post(
    "/v1/proposals/{proposal_id}/commit",
    response_model=CommittedProposalAnswer,
    responses=refusals(*_ANY, "BUDGET_EXCEEDED")
    | {202: {"model": CommittedProposalAnswer, "description": "Its process goes on; commit again to be told the end."}},
)
async def commit_proposal(request: Request, proposal_id: str, who: Decider, body: Empty | None = None) -> Response:
    """Carry out exactly what was shown, once; again, and the first answer is told. Where what was shown would no longer
    happen: PROPOSAL_STALE, with the new proposal and its effect."""
    p, _ = await run_in_threadpool(_own, request, who, proposal_id)
    _may(who, p.operation)
    if p.status is ProposalStatus.COMMITTED:
        return _committed(p, await run_in_threadpool(_answer, request, who, p))
    if p.status is ProposalStatus.STALE and p.successor_id is not None:
        new, _ = await run_in_threadpool(_own, request, who, p.successor_id)
        raise _stale(json.loads(to_json(proposal_answer(new, expired=False))))
    how = how_confirmed(request, who)
    if how == "elicitation" and p.confirmation == "page":
        detail = f"This is confirmed by the person, signed in at /confirm/{p.id}."
        raise Refusal("PERSON_REQUIRED", detail, confirm_path=f"/confirm/{p.id}")
    confirm = Write("proposal.confirm", ConfirmProposal(by=how), p.id)
    await write(request, who, RequestKey(f"confirm:{how}", True), confirm)
    try:
        done = await write(request, who, RequestKey("commit", True), _carried(p))
    except Refusal as refusal:
        raise await _stale_or(request, who, p, refusal) from None
    return _committed(p, done.done, goes_on=done.goes_on)


def _carried(p: ProposalRecord) -> Write:
    """The operation itself, kept and carried out as if its own path had been asked."""
    new = bool(PROPOSABLE[p.operation].makes)
    customer = p.record_id if p.operation.startswith("customer.") else p.customer_id if new else None
    subject = p.id if new else None  # a refusal makes no record that its trail could join
    return Write(p.operation, p.body, p.record_id, subject, customer, p.summary, p.found_by, memo=p.memo)


def _committed(p: ProposalRecord, done: Answered, *, goes_on: bool = False) -> Response:
    answered = CommittedProposalAnswer(
        proposal_id=p.id,
        status="UNDER_WAY" if goes_on else "COMMITTED",
        operation=p.operation,
        record_id=p.record_id,
        http_status=done.status,
        result=json.loads(done.json),
    )
    replayed = {"Idempotent-Replayed": "true"} if done.replayed else None
    return shown(answered, 202 if goes_on else 200, replayed)


def _answer(request: Request, who: Principal, p: ProposalRecord) -> Answered:
    """What the commit was answered the first time."""
    with reading(request, who) as tx:
        return response_of(tx, str(p.command_id)) or Answered("{}", replayed=True)


async def _stale_or(request: Request, who: Principal, p: ProposalRecord, refusal: Refusal) -> Refusal:
    """The refusal; or, where the records are no longer as they were shown, PROPOSAL_STALE with what would happen now."""
    if refusal.code in ("PROPOSAL_CLOSED", "PROPOSAL_EXPIRED") or STATUS.get(refusal.code) not in _WORLD:
        return refusal
    again = _kept(request, who, p.operation, p.record_id, p.body, replaces=p.id)
    again = again.model_copy(
        update={
            "agent": p.agent, "client": p.client, "writes_per_hour": p.writes_per_hour,
            "amount_minor_per_day": p.amount_minor_per_day, "budget_currency": p.budget_currency,
        }
    )  # fmt: skip
    try:
        made = await write(request, who, RequestKey("renew", True), Write("proposal.make", again, p.record_id))
    except Refusal as now:
        effect = {"refusal": {"code": now.code, "detail": now.detail}}
        return Refusal("PROPOSAL_STALE", _LOOK_AGAIN, proposal_id=None, effect=effect, warnings=[], expires_at=None)
    return _stale(json.loads(made.done.json))


def _stale(new: JsonObject) -> Refusal:
    """What was shown would no longer happen; this would."""
    told = {name: new[name] for name in ("proposal_id", "effect", "in_words", "warnings", "expires_at")}
    refusal = Refusal("PROPOSAL_STALE", _LOOK_AGAIN)
    refusal.extra.update(told)
    return refusal


def _own(request: Request, who: Principal, proposal_id: str) -> tuple[ProposalRecord, bool]:
    """One's own proposal, and whether its time is over."""
    with reading(request, who) as tx:
        found = proposals.get(tx, proposal_id)
        if found.actor != who.sub:
            raise Refusal("FORBIDDEN", "This is another person's proposal.")
        return found, found.status is ProposalStatus.OPEN and tx.now >= found.expires_at
