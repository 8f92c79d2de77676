"""Adjustments of invoices, and the limits within which people may make them."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import ORGANISATION, RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.authority_answers import AuthorityChangeAnswer, AuthorityLimitsAnswer, authority_limits_answer
from models.authority_requests import PutAuthorityLimits
from models.cash.adjustment_answers import AdjustmentAnswer, adjustment_answer
from models.cash.adjustments import AdjustmentStatus
from models.cash.requests import UndoAdjustment
from models.cash.undo_answers import AdjustmentUndoneAnswer
from models.db import authority
from models.db.cash import adjustments
from models.values import Choice, InUpperCase

router = gated_router("payments")

Reader = Annotated[Principal, requires("payments.read")]
Applier = Annotated[Principal, requires("payments.apply", RECORD)]
SettingsReader = Annotated[Principal, requires("settings.read")]


@router.get("/v1/adjustments", response_model=Page[AdjustmentAnswer])
def list_adjustments(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None, invoice_id: str | None = None,
    payment_id: str | None = None, status: Annotated[Choice[AdjustmentStatus] | None, InUpperCase] = None,
) -> Response:  # fmt: skip
    """Adjustments, the newest first: what applications settled without money, as discount, write-off, bank fee or tax
    withheld."""
    after = page.after("adjustments", str)
    given = {"customer_id": customer_id, "invoice_id": invoice_id, "payment_id": payment_id, "status": status}
    with reading(request, who) as tx:
        found = adjustments.list_adjustments(tx, who.entities, after[0] if after else None, page.fetch, **given)
    return shown(page.of("adjustments", found, key=lambda a: (a.id,), item=adjustment_answer))


@router.get(
    "/v1/adjustments/{adjustment_id}", response_model=AdjustmentAnswer, responses=refusals("ADJUSTMENT_NOT_FOUND")
)
def get_adjustment(request: Request, adjustment_id: str, who: Reader) -> Response:
    """One adjustment with the application that it belongs to, posted or undone."""
    with reading(request, who) as tx:
        found = adjustments.get(tx, adjustment_id)
    who_sees(who, found.legal_entity_id)
    return shown(adjustment_answer(found))


@router.post(
    "/v1/adjustments/{adjustment_id}/undo",
    response_model=AdjustmentUndoneAnswer,
    responses=refusals("ADJUSTMENT_NOT_FOUND", "PAYMENT_REVERSED", "ADJUSTMENT_UNDONE", "DATE_BEFORE_PAYMENT")
    | UNDER_WAY,
)
async def undo_adjustment(
    request: Request, adjustment_id: str, body: UndoAdjustment, who: Applier, key: IdempotencyKey
) -> Response:
    """Undo one adjustment: the invoice owes the amount again, its application stays."""
    return await write(
        request, who, key,
        Write(
            "undo_adjustment", body, adjustment_id, None, None,
            f"Undo adjustment {adjustment_id}: {body.reason_code}",
        ),
    )  # fmt: skip


@router.put(
    "/v1/authority-limits",
    status_code=202,
    response_model=AuthorityChangeAnswer,
    responses=refusals("VERSION_MISMATCH", "CHANGE_PENDING"),
)
async def put_authority_limits(
    request: Request,
    body: PutAuthorityLimits,
    who: Annotated[Principal, requires("settings.write", ORGANISATION)],
    key: IdempotencyKey,
) -> Response:
    """Ask for other limits: they hold when a controller and a CFO, neither of whom has asked, have approved. Limits not named
    stay; what is under way keeps the limits that it began with."""
    return await write(request, who, key, Write("authority_limits.put", body, who.org_id))


@router.get("/v1/authority-limits", response_model=AuthorityLimitsAnswer)
def get_authority_limits(request: Request, who: SettingsReader) -> Response:
    """The limits of authority: what each role may give away by kind, in minor units of the entity's functional currency."""
    with reading(request, who) as tx:
        return shown(authority_limits_answer(authority.get(tx)))
