"""What needs a person: listed, handed on, resolved."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Request
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.process import Write, write_now
from api.reading import reading, who_sees
from api.schema import Body, InLowerCase, Line, ReasonCode, Text
from models.access import ROLES, with_included
from models.db.exceptions import exception_body, get_exception, list_exceptions
from models.errors import Refusal
from models.exceptions import is_own

router = gated_router("exceptions")
Reader = Annotated[Principal, requires("exceptions.read")]
Writer = Annotated[Principal, requires("exceptions.write", RECORD)]


class Assignment(Body):
    """To a role or to a person, one of the two."""

    owner_role: Line | None = None
    owner_user: Line | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.owner_role is None) == (self.owner_user is None):
            raise PydanticCustomError("OWNER_REQUIRED", "Give owner_role or owner_user, one of them")
        if self.owner_role is not None and self.owner_role not in ROLES:
            raise PydanticCustomError("ROLE_UNKNOWN", "There is no such role")
        return self


class Resolution(Body):
    """How it was settled; `reason_code` is another name for `resolution_code`."""

    resolution_code: ReasonCode | None = None
    reason_code: ReasonCode | None = None
    note: Annotated[Text | None, Field()] = None

    @model_validator(mode="after")
    def _one_code(self) -> Self:
        given = {self.resolution_code, self.reason_code} - {None}
        if len(given) != 1:
            raise PydanticCustomError("FIELD_REQUIRED", "Give one resolution_code")
        return self


@router.get("/v1/exceptions")
def exceptions(
    request: Request,
    who: Reader,
    page: Paging,
    status: Annotated[Literal["open", "resolved"] | None, InLowerCase] = None,
    owner: Annotated[str | None, Query(description="`me`, a user, or a role")] = None,
    kind: str | None = None,
    subject_id: str | None = None,
) -> dict[str, Any]:
    """Exceptions, the soonest due first: one's own, or everybody's for those who may see them all."""
    after = page.after("exceptions", datetime, str)
    mine = (who.sub, with_included(who.roles))
    desk = mine if owner == "me" or not who.may("exceptions.read_all") else None
    with reading(request, who) as tx:
        rows = list_exceptions(
            tx, who.entities, desk=desk, status=status, kind=kind, subject_id=subject_id,
            owner=None if owner == "me" else owner, after=after, limit=page.fetch,
        )  # fmt: skip
        now = tx.now
    return page.answer("exceptions", rows, key=lambda e: (e["due_at"], e["id"]), item=lambda e: exception_body(e, now))


@router.get("/v1/exceptions/{exception_id}", responses=refusals("EXCEPTION_NOT_FOUND"))
def exception(request: Request, exception_id: str, who: Reader) -> dict[str, Any]:
    """One of them."""
    with reading(request, who) as tx:
        found = get_exception(tx, exception_id)
        if found["legal_entity_id"] is not None:
            who_sees(who, found["legal_entity_id"])
        if not who.may("exceptions.read_all") and not is_own(found, who.sub, who.roles):
            raise Refusal("FORBIDDEN", "The exception lies with somebody else.")
        return exception_body(found, tx.now)


@router.post("/v1/exceptions/{exception_id}/assign", responses=refusals("EXCEPTION_NOT_FOUND", "EXCEPTION_CLOSED"))
async def assign(request: Request, exception_id: str, body: Assignment, who: Writer, key: IdempotencyKey) -> Response:
    """Hand it to a role or a person."""
    return await write_now(request, who, key, Write("assign_exception", body.model_dump(mode="json"), exception_id))


@router.post("/v1/exceptions/{exception_id}/resolve", responses=refusals("EXCEPTION_NOT_FOUND", "EXCEPTION_CLOSED"))
async def resolve(request: Request, exception_id: str, body: Resolution, who: Writer, key: IdempotencyKey) -> Response:
    """It is dealt with."""
    said = {"resolution_code": body.resolution_code or body.reason_code, "note": body.note}
    return await write_now(request, who, key, Write("resolve_exception", said, exception_id))
