"""Bank reconciliations: drafted, completed, reopened."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.answers import Page
from models.cash.book_answers import ReconciliationAnswer
from models.cash.requests import DraftReconciliation, DraftReconciliationOf, ReopenReconciliation
from models.db import lookups
from models.db.cash import reconciliations
from models.ids import new_id
from models.values import Body, Empty

router = gated_router("reconciliations")

Reader = Annotated[Principal, requires("payments.read")]
Reconciler = Annotated[Principal, requires("payments.apply", RECORD)]


def _process(operation: str, recon_id: str, body: Body, doing: str) -> Write:
    return Write(operation, body, recon_id, None, None, f"{doing} bank reconciliation {recon_id}")


@router.post(
    "/v1/bank-accounts/{bank_account_id}/reconciliations", status_code=201, response_model=ReconciliationAnswer,
    responses=refusals(
        "BANK_ACCOUNT_NOT_FOUND", "PAYMENT_NOT_FOUND", "PAYMENT_REVERSED", "BANK_ACCOUNT_MISMATCH",
        "PAYMENT_AFTER_THROUGH_DATE",
    ) | UNDER_WAY,
)  # fmt: skip
async def draft_reconciliation(
    request: Request, bank_account_id: str, body: DraftReconciliation, who: Reconciler, key: IdempotencyKey
) -> Response:
    """Draft a reconciliation of the payments that the bank shows."""
    recon_id = new_id("recon")
    asked = DraftReconciliationOf(
        bank_account_id=bank_account_id,
        through_date=body.through_date,
        payment_ids=body.payment_ids,
        statement_balance_minor=body.statement_balance_minor,
    )
    return await write(request, who, key, _process("draft_reconciliation", recon_id, asked, "Draft"))


@router.post(
    "/v1/reconciliations/{recon_id}/complete", response_model=ReconciliationAnswer,
    responses=refusals(
        "RECONCILIATION_NOT_FOUND", "PAYMENT_REVERSED", "RECONCILIATION_COMPLETE", "RECONCILIATION_DIFFERENCE"
    ) | UNDER_WAY,
)  # fmt: skip
async def complete_reconciliation(
    request: Request, recon_id: str, who: Reconciler, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Complete a reconciliation: the payments in it can no longer be reversed."""
    asked = body or Empty()
    return await write(request, who, key, _process("complete_reconciliation", recon_id, asked, "Complete"))


@router.post(
    "/v1/reconciliations/{recon_id}/reopen", response_model=ReconciliationAnswer,
    responses=refusals("RECONCILIATION_NOT_FOUND", "RECONCILIATION_NOT_COMPLETE") | UNDER_WAY,
)  # fmt: skip
async def reopen_reconciliation(
    request: Request, recon_id: str, body: ReopenReconciliation,
    who: Annotated[Principal, requires("reconciliations.reopen", RECORD)], key: IdempotencyKey,
) -> Response:  # fmt: skip
    """Reopen a completed reconciliation, as a controller may: its payments can be reversed again."""
    return await write(request, who, key, _process("reopen_reconciliation", recon_id, body, "Reopen"))


@router.get(
    "/v1/reconciliations/{recon_id}", response_model=ReconciliationAnswer,
    responses=refusals("RECONCILIATION_NOT_FOUND"),
)  # fmt: skip
def get_reconciliation(request: Request, recon_id: str, who: Reader) -> Response:
    """A reconciliation, beside what the books say now."""
    with reading(request, who) as tx:
        found = reconciliations.get(tx, recon_id)
        who_sees(who, lookups.bank_account(tx, found.reconciliation.bank_account_id).legal_entity_id)
        return shown(reconciliations.answer_of(tx, found))


@router.get("/v1/reconciliations", response_model=Page[ReconciliationAnswer])
def list_reconciliations(
    request: Request, who: Reader, page: Paging, bank_account_id: str | None = None
) -> Response:  # fmt: skip
    """Reconciliations of bank accounts, the newest first."""
    after = page.after("reconciliations", str)
    with reading(request, who) as tx:
        found = reconciliations.list_reconciliations(tx, who.entities, bank_account_id or None, after, page.fetch)
        items = page.of(
            "reconciliations", found, key=lambda r: (r.reconciliation.id,),
            item=lambda r: reconciliations.answer_of(tx, r),
        )  # fmt: skip
    return shown(items)
