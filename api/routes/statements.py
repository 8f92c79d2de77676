"""Bank statements: uploaded, then worked off by a process."""

import io
from typing import Annotated, Any

from fastapi import File, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.db import lookups
from models.db.cash import statements
from models.ids import new_id
from operations.cash.statements import statement_input
from statement_readers import detect_and_read

router = gated_router("statements")

Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD)]


@router.post(
    "/v1/bank-accounts/{bank_account_id}/statements", status_code=202,
    responses=refusals("BANK_ACCOUNT_NOT_FOUND", "STATEMENT_UNREADABLE"),
)  # fmt: skip
async def upload(
    request: Request, bank_account_id: str, file: Annotated[UploadFile, File()], who: Recorder, key: IdempotencyKey
) -> Response:
    """Upload a statement (CAMT.053, MT940, BAI2, OFX, CSV). Its credits become payments; those that name their
    invoices are applied. The same file again is the same statement."""
    content = await file.read()

    def read() -> dict[str, Any]:
        found = detect_and_read(io.BytesIO(content), file.filename, file.content_type)
        facts, lines = statement_input(bank_account_id, content, file.filename, found)
        return {**facts, "lines": lines}

    body = await run_in_threadpool(read)
    return await write(request, who, key, Write("receive_statement", body, new_id("stmt"), bank_account_id))


@router.get("/v1/statements/{statement_id}", responses=refusals("STATEMENT_NOT_FOUND"))
def get_statement(request: Request, statement_id: str, who: Reader) -> dict[str, Any]:
    """A statement, what became of each line, and suggestions for what was left."""
    with reading(request, who) as tx:
        sql = "SELECT * FROM statements WHERE org_id = :org AND id = :id"
        row = lookups.find(tx, "statement", sql, statement_id)
        who_sees(who, lookups.bank_account(tx, row["bank_account_id"]).legal_entity_id)
        lines = tx.all(
            "SELECT * FROM statement_lines WHERE org_id = :org AND statement_id = :id ORDER BY line", id=row["id"]
        )
        return statements.statement_body(row, tx.one(statements.COUNTS, id=row["id"]), lines)


@router.get("/v1/statements")
def get_statements(request: Request, who: Reader, page: Paging) -> dict[str, Any]:
    """The newest first."""
    after = page.after("statements", str)
    with reading(request, who) as tx:
        rows = statements.list_statements(tx, who.entities, after[0] if after else None, page.fetch)
        return page.answer(
            "statements", rows, key=lambda r: (r["id"],),
            item=lambda r: statements.statement_body(r, tx.one(statements.COUNTS, id=r["id"])),
        )  # fmt: skip
