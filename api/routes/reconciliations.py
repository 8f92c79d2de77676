"""Bank reconciliations: drafted, completed, reopened."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import UNDER_WAY, Write, write
from models.db import lookups
from models.db.cash.reconciliations import list_reconciliations, reconciliation_body
from models.ids import new_id
from models.values import Body, Empty, IsoDate, Minor, ReasonCode, RecordId, Text

router = gated_router("reconciliations")


class NewReconciliation(Body):
    """What the bank shows through a date. `statement_balance_minor` in the bank account's currency."""

    through_date: IsoDate
    payment_ids: Annotated[list[RecordId], Field(max_length=10_000)]
    statement_balance_minor: Minor | None = None

    @field_validator("payment_ids")
    @classmethod
    def _each_once(cls, ids: list[str]) -> list[str]:
        if len(set(ids)) < len(ids):
            raise PydanticCustomError("PAYMENT_REPEATED", "A payment appears more than once")
        return ids


class Reopening(Body):
    reason_code: ReasonCode
    note: Text | None = None


Reader = Annotated[Principal, requires("payments.read")]
Reconciler = Annotated[Principal, requires("payments.apply", RECORD)]


def _process(operation: str, recon_id: str, body: dict[str, Any], doing: str) -> Write:
    return Write(operation, body, recon_id, None, None, f"{doing} bank reconciliation {recon_id}")


@router.post(
    "/v1/bank-accounts/{bank_account_id}/reconciliations", status_code=201,
    responses=refusals(
        "BANK_ACCOUNT_NOT_FOUND", "PAYMENT_NOT_FOUND", "PAYMENT_REVERSED", "BANK_ACCOUNT_MISMATCH",
        "PAYMENT_AFTER_THROUGH_DATE",
    ) | UNDER_WAY,
)  # fmt: skip
async def draft(
    request: Request, bank_account_id: str, body: NewReconciliation, who: Reconciler, key: IdempotencyKey
) -> Response:
    """Draft a reconciliation of the payments that the bank shows."""
    recon_id = new_id("recon")
    full = {"bank_account_id": bank_account_id, **body.model_dump(mode="json")}
    return await write(request, who, key, _process("draft_reconciliation", recon_id, full, "Draft"))


@router.post(
    "/v1/reconciliations/{recon_id}/complete",
    responses=refusals(
        "RECONCILIATION_NOT_FOUND", "PAYMENT_REVERSED", "RECONCILIATION_COMPLETE", "RECONCILIATION_DIFFERENCE"
    )
    | UNDER_WAY,
)
async def complete(
    request: Request, recon_id: str, who: Reconciler, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Complete it: the payments in it can no longer be reversed."""
    return await write(request, who, key, _process("complete_reconciliation", recon_id, {}, "Complete"))


@router.post(
    "/v1/reconciliations/{recon_id}/reopen",
    responses=refusals("RECONCILIATION_NOT_FOUND", "RECONCILIATION_NOT_COMPLETE") | UNDER_WAY,
)
async def reopen(
    request: Request, recon_id: str, body: Reopening, who: Annotated[Principal, requires("reconciliations.reopen", RECORD)],
    key: IdempotencyKey,
) -> Response:  # fmt: skip
    """A controller takes it up again."""
    w = _process("reopen_reconciliation", recon_id, body.model_dump(mode="json"), "Reopen")
    return await write(request, who, key, w)


@router.get("/v1/reconciliations/{recon_id}", responses=refusals("RECONCILIATION_NOT_FOUND"))
def get_reconciliation(request: Request, recon_id: str, who: Reader) -> dict[str, Any]:
    with reading(request, who) as tx:
        sql = "SELECT * FROM reconciliations WHERE org_id = :org AND id = :id"
        row = lookups.find(tx, "reconciliation", sql, recon_id)
        bank = lookups.bank_account(tx, row["bank_account_id"])
        who_sees(who, bank.legal_entity_id)
        return reconciliation_body(tx, row, bank.id, bank.currency_code)


@router.get("/v1/reconciliations")
def get_reconciliations(
    request: Request, who: Reader, page: Paging, bank_account_id: str | None = None
) -> dict[str, Any]:
    """The newest first."""
    after = page.after("reconciliations", str)
    with reading(request, who) as tx:
        rows = list_reconciliations(tx, who.entities, bank_account_id, after[0] if after else None, page.fetch)
        return page.answer(
            "reconciliations", rows, key=lambda r: (r["id"],),
            item=lambda r: reconciliation_body(tx, r, r["bank_account_id"], r["currency_code"]),
        )  # fmt: skip
