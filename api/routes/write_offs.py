"""Write-offs: a balance given up without a payment, at once within authority, else by approval; and reversed."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import posted_or_approved, shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.cash.write_offs import (
    CreateWriteOff,
    ReverseWriteOff,
    WriteOffAnswer,
    WriteOffStatus,
    WrittenOffAnswer,
    write_off_answer,
)
from models.db.cash import write_offs
from models.ids import new_id
from models.values import Choice, InUpperCase

router = gated_router("payments")

Reader = Annotated[Principal, requires("payments.read")]
Applier = Annotated[Principal, requires("payments.apply", RECORD)]


@router.post(
    "/v1/write-offs",
    status_code=201,
    response_model=WrittenOffAnswer,
    responses=refusals("INVOICE_NOT_FOUND", "INVOICE_VOID", "INVOICE_NOT_OPEN", "APPLIED_EXCEEDS_BALANCE")
    | posted_or_approved(WrittenOffAnswer),
)
async def create_write_off(
    request: Request,
    body: CreateWriteOff,
    who: Applier,
    key: IdempotencyKey,
    dry_run: Annotated[bool, Query(description="Answer the same, and change nothing")] = False,
) -> Response:
    """Give up an invoice's balance, or a part of it: DR write_off, CR accounts_receivable. Within the caller's authority it is
    posted at once; beyond it those above decide, and it is posted when they have approved."""
    summary = f"Write off invoice {body.invoice_id}: {body.reason_code}"
    w = Write("create_write_off", body, new_id("wo"), body.invoice_id, None, summary)
    return await write(request, who, key, w, dry_run=dry_run)


@router.get("/v1/write-offs", response_model=Page[WriteOffAnswer])
def list_write_offs(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None, invoice_id: str | None = None,
    status: Annotated[Choice[WriteOffStatus] | None, InUpperCase] = None,
) -> Response:  # fmt: skip
    """Write-offs on their own, the newest first; those of application sessions are adjustments."""
    after = page.after("write-offs", str)
    given = {"customer_id": customer_id, "invoice_id": invoice_id, "status": status}
    with reading(request, who) as tx:
        found = write_offs.list_write_offs(tx, who.entities, after[0] if after else None, page.fetch, **given)
    return shown(page.of("write-offs", found, key=lambda w: (w.id,), item=write_off_answer))


@router.get("/v1/write-offs/{write_off_id}", response_model=WriteOffAnswer, responses=refusals("WRITE_OFF_NOT_FOUND"))
def get_write_off(request: Request, write_off_id: str, who: Reader) -> Response:
    """One write-off, and where its approval stands."""
    with reading(request, who) as tx:
        found = write_offs.get(tx, write_off_id)
    who_sees(who, found.legal_entity_id)
    return shown(write_off_answer(found))


@router.post(
    "/v1/write-offs/{write_off_id}/reverse",
    response_model=WrittenOffAnswer,
    responses=refusals("WRITE_OFF_NOT_FOUND", "WRITE_OFF_REVERSED", "WRITE_OFF_NOT_POSTED") | UNDER_WAY,
)
async def reverse_write_off(
    request: Request, write_off_id: str, body: ReverseWriteOff, who: Applier, key: IdempotencyKey
) -> Response:
    """Reverse a write-off: the invoice owes the amount again, for instance because the money came after all. It needs no
    authority."""
    summary = f"Reverse write-off {write_off_id}: {body.reason_code}"
    w = Write("reverse_write_off", body, write_off_id, None, None, summary)
    return await write(request, who, key, w)
