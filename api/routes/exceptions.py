"""What needs a person: listed, handed on, resolved."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.access import with_included
from models.answers import Page
from models.db import exceptions as store
from models.errors import Refusal
from models.exceptions.answers import ExceptionAnswer, exception_answer
from models.exceptions.requests import AssignException, ResolveException
from models.values import InLowerCase

router = gated_router("exceptions")
Reader = Annotated[Principal, requires("exceptions.read")]
Writer = Annotated[Principal, requires("exceptions.write", RECORD)]


@router.get("/v1/exceptions", response_model=Page[ExceptionAnswer])
def list_exceptions(
    request: Request,
    who: Reader,
    page: Paging,
    status: Annotated[Literal["open", "resolved"] | None, InLowerCase] = None,
    owner: Annotated[str | None, Query(description="`me`, a user, or a role")] = None,
    kind: str | None = None,
    subject_id: str | None = None,
) -> Response:
    """Exceptions, the soonest due first: one's own, or everybody's for those who may see them all."""
    after = page.after("exceptions", datetime, str)
    mine = (who.sub, with_included(who.roles))
    desk = mine if owner == "me" or not who.may("exceptions.read_all") else None
    with reading(request, who) as tx:
        found = store.list_exceptions(
            tx, who.entities, desk=desk, status=status, kind=kind, subject_id=subject_id,
            owner=None if owner == "me" else owner, after=after, limit=page.fetch,
        )  # fmt: skip
        now = tx.now
    return shown(page.of("exceptions", found, key=lambda e: (e.due_at, e.id), item=lambda e: exception_answer(e, now)))


@router.get("/v1/exceptions/{exception_id}", response_model=ExceptionAnswer, responses=refusals("EXCEPTION_NOT_FOUND"))
def get_exception(request: Request, exception_id: str, who: Reader) -> Response:
    """One exception: whose it is, why it was opened, when it is due, and how it was resolved."""
    with reading(request, who) as tx:
        found = store.get_exception(tx, exception_id)
        if found.legal_entity_id is not None:
            who_sees(who, found.legal_entity_id)
        if not who.may("exceptions.read_all") and not found.is_own(who.sub, who.roles):
            raise Refusal("FORBIDDEN", "The exception lies with somebody else.")
        return shown(exception_answer(found, tx.now))


@router.post(
    "/v1/exceptions/{exception_id}/assign", response_model=ExceptionAnswer,
    responses=refusals("EXCEPTION_NOT_FOUND", "EXCEPTION_CLOSED"),
)  # fmt: skip
async def assign_exception(
    request: Request, exception_id: str, body: AssignException, who: Writer, key: IdempotencyKey
) -> Response:
    """Hand an open exception to a role or to a person, who owns it from then on."""
    return await write(request, who, key, Write("assign_exception", body, exception_id))


@router.post(
    "/v1/exceptions/{exception_id}/resolve", response_model=ExceptionAnswer,
    responses=refusals("EXCEPTION_NOT_FOUND", "EXCEPTION_CLOSED", "DEDUCTION_UNDECIDED"),
)  # fmt: skip
async def resolve_exception(
    request: Request, exception_id: str, body: ResolveException, who: Writer, key: IdempotencyKey
) -> Response:
    """Resolve an exception that has been dealt with: it leaves its owner's desk, with a code that says how."""
    return await write(request, who, key, Write("resolve_exception", body, exception_id))
