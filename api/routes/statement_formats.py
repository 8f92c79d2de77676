"""Banks' own CSV: described for a bank account, then named at the upload."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.answers import Page
from models.cash.statement_format_requests import (
    CreateStatementFormat,
    StatementFormatAnswer,
    statement_format_answer,
)
from models.db import lookups
from models.db.cash import statement_formats

router = gated_router("statements")

Reader = Annotated[Principal, requires("settings.read")]
Writer = Annotated[Principal, requires("settings.write", RECORD)]


@router.post(
    "/v1/bank-accounts/{bank_account_id}/statement-formats", status_code=201, response_model=StatementFormatAnswer,
    responses=refusals("BANK_ACCOUNT_NOT_FOUND", "ALREADY_EXISTS"),
)  # fmt: skip
async def create_statement_format(
    request: Request, bank_account_id: str, body: CreateStatementFormat, who: Writer, key: IdempotencyKey
) -> Response:
    """Describe a bank's CSV: its columns by header or by place from 1, how it writes dates and amounts. Named at the upload
    (`format=`)."""
    return await write(request, who, key, Write("create_statement_format", body, bank_account_id, who.org_id))


@router.get(
    "/v1/bank-accounts/{bank_account_id}/statement-formats", response_model=Page[StatementFormatAnswer],
    responses=refusals("BANK_ACCOUNT_NOT_FOUND"),
)  # fmt: skip
def list_statement_formats(request: Request, bank_account_id: str, who: Reader, page: Paging) -> Response:
    """The formats of a bank account, by name."""
    after = page.after("statement_formats", str)
    with reading(request, who) as tx:
        account = lookups.bank_account(tx, bank_account_id)
        who_sees(who, account.legal_entity_id)
        found = statement_formats.list_formats(tx, account.id, after, page.fetch)
    return shown(page.of("statement_formats", found, key=lambda f: (f.name,), item=statement_format_answer))


@router.get(
    "/v1/bank-accounts/{bank_account_id}/statement-formats/{name}", response_model=StatementFormatAnswer,
    responses=refusals("BANK_ACCOUNT_NOT_FOUND", "STATEMENT_FORMAT_NOT_FOUND"),
)  # fmt: skip
def get_statement_format(request: Request, bank_account_id: str, name: str, who: Reader) -> Response:
    """One statement format of the bank account, by the name that an upload gives it."""
    with reading(request, who) as tx:
        account = lookups.bank_account(tx, bank_account_id)
        who_sees(who, account.legal_entity_id)
        found = statement_formats.get(tx, account.id, name)
    return shown(statement_format_answer(found))
