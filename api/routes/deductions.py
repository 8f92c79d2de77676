"""Deductions: what payers leave out of their payments; stated, listed, decided."""

from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import posted_or_approved, shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.access import with_included
from models.answers import Page
from models.cash.deduction_answers import DeductionAnswer, deduction_answer
from models.cash.deduction_decided_answer import DeductionDecidedAnswer
from models.cash.deduction_requests import DecideDeduction, OpenDeduction
from models.cash.deductions import DeductionStatus
from models.db.cash import deductions
from models.ids import new_id
from models.values import Choice, InUpperCase

router = gated_router("deductions")
Reader = Annotated[Principal, requires("payments.read")]
Writer = Annotated[Principal, requires("payments.apply", RECORD)]
DryRun = Annotated[bool, Query(description="Answer the same, and change nothing")]
_OF_INVOICES: Final = (
    "INVOICE_NOT_FOUND", "INVOICE_VOID", "INVOICE_NOT_OPEN", "INVOICE_DISPUTED", "APPLIED_EXCEEDS_BALANCE",
)  # fmt: skip


@router.post(
    "/v1/deductions", status_code=201, response_model=DeductionAnswer, responses=refusals(*_OF_INVOICES)
)  # fmt: skip
async def open_deduction(
    request: Request, body: OpenDeduction, who: Writer, key: IdempotencyKey, dry_run: DryRun = False
) -> Response:
    """Open a deduction: a customer does not pay a part of an invoice, without a payment. It stays due, is disputed, and lies on
    the desk of the reason code's owner until it is decided."""
    w = Write("open_deduction", body, new_id("ded"), body.invoice_id)
    return await write(request, who, key, w, dry_run=dry_run)


@router.post(
    "/v1/deductions/{deduction_id}/resolve",
    response_model=DeductionDecidedAnswer,
    responses=refusals("DEDUCTION_NOT_FOUND", "DEDUCTION_CLOSED", "DEDUCTION_AWAITS_APPROVAL")
    | posted_or_approved(DeductionDecidedAnswer),
)
async def resolve_deduction(
    request: Request,
    deduction_id: str,
    body: DecideDeduction,
    who: Writer,
    key: IdempotencyKey,
    dry_run: DryRun = False,
) -> Response:
    """Decide a deduction. `accept` credits what is still due of it: a credit note is posted and settles the invoice, within the
    caller's authority at once, beyond it when those above have approved. `reject` ends the dispute: the amount is collected."""
    summary = f"Decide deduction {deduction_id}: {body.decision}, {body.reason_code}"
    w = Write("resolve_deduction", body, deduction_id, None, None, summary)
    return await write(request, who, key, w, dry_run=dry_run)


@router.get(
    "/v1/deductions/{deduction_id}", response_model=DeductionAnswer, responses=refusals("DEDUCTION_NOT_FOUND")
)  # fmt: skip
def get_deduction(request: Request, deduction_id: str, who: Reader) -> Response:
    """A deduction, open or ended."""
    with reading(request, who) as tx:
        found = deductions.get(tx, deduction_id)
    who_sees(who, found.legal_entity_id)
    return shown(deduction_answer(found))


@router.get("/v1/deductions", response_model=Page[DeductionAnswer])
def list_deductions(
    request: Request, who: Reader, page: Paging, customer_id: str | None = None, invoice_id: str | None = None,
    status: Annotated[Choice[DeductionStatus] | None, InUpperCase] = None,
    owner: Annotated[str | None, Query(description="`me`, a user, or a role")] = None,
) -> Response:  # fmt: skip
    """Deductions, the newest first. `owner=me`: those on one's own desk, by name or by a role of one's own."""
    after = page.after("deductions", str)
    mine = (who.sub, with_included(who.roles)) if owner == "me" else None
    with reading(request, who) as tx:
        found = deductions.list_deductions(
            tx, who.entities, after[0] if after else None, page.fetch, desk=mine, customer_id=customer_id,
            invoice_id=invoice_id, status=status, owner=None if owner == "me" else owner,
        )  # fmt: skip
    return shown(page.of("deductions", found, key=lambda d: (d.id,), item=deduction_answer))
