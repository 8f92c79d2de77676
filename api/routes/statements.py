"""Bank statements: uploaded, then worked off by a process."""

from typing import Annotated

from fastapi import File, Form, Path, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.reading_apart import read_statement
from api.write import Write, write
from models.answers import Page
from models.cash.csv_formats import StatementFormat
from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_requests import (
    LinkLine,
    LinkStatementLine,
    RetryLine,
    RetryStatementLine,
)
from models.cash.statements import MAX_LINES
from models.db import lookups
from models.db.cash import statement_formats, statements
from models.ids import new_id

router = gated_router("statements")

Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD)]
FormatName = Annotated[str | None, Query(max_length=64, description="A statement format of the bank account")]
LineNumbers = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,6}(,[0-9]{1,6}){0,199}$", description="Only these, by number, such as 1,2,17 (at most 200)"
    ),
]


@router.post(
    "/v1/bank-accounts/{bank_account_id}/statements", status_code=202, response_model=StatementAnswer,
    responses=refusals(
        "BANK_ACCOUNT_NOT_FOUND", "STATEMENT_UNREADABLE", "STATEMENT_ACCOUNT_MISMATCH", "STATEMENT_ACCOUNT_AMBIGUOUS",
        "STATEMENT_CURRENCY_MISMATCH", "STATEMENT_FORMAT_NOT_FOUND",
    ),
)  # fmt: skip
async def upload_statement(
    request: Request, bank_account_id: str, file: Annotated[UploadFile, File()], who: Recorder, key: IdempotencyKey,
    format: FormatName = None, form_format: Annotated[str | None, Form(alias="format")] = None,
) -> Response:  # fmt: skip
    """Upload a statement (CAMT.053, MT940, BAI2, OFX, CSV; a bank's own CSV with the `format` that describes it). Its
    credits become payments; those that name their invoices are applied. The same file again is the same statement, and
    works its lines that failed again."""
    content = await file.read()
    name = format if format is not None else form_format
    described = None if name is None else await run_in_threadpool(_described, request, who, bank_account_id, name)
    body = await read_statement(bank_account_id, content, file.filename, file.content_type, described)
    return await write(request, who, key, Write("receive_statement", body, new_id("stmt"), bank_account_id))


def _described(request: Request, who: Principal, bank_account_id: str, name: str) -> tuple[StatementFormat, str]:
    """The format of this name, and the account's currency."""
    with reading(request, who) as tx:
        account = lookups.bank_account(tx, bank_account_id)
        who_sees(who, account.legal_entity_id)
        return statement_formats.get(tx, account.id, name), account.currency_code


@router.post(
    "/v1/statements/{statement_id}/lines/{line}/retry", status_code=202, response_model=StatementAnswer,
    responses=refusals("STATEMENT_NOT_FOUND", "STATEMENT_LINE_NOT_FOUND"),
)  # fmt: skip
async def retry_statement_line(
    request: Request, statement_id: str, line: Annotated[int, Path(ge=1, le=MAX_LINES)], who: Recorder,
    key: IdempotencyKey, body: RetryStatementLine | None = None,
) -> Response:  # fmt: skip
    """Work a line again: record it where it failed, match it where no invoice answered. `another_payment` records one that
    waits as POSSIBLE_DUPLICATE."""
    asked = RetryLine(line=line, another_payment=body is not None and body.another_payment)
    return await write(request, who, key, Write("retry_statement_line", asked, statement_id))


@router.post(
    "/v1/statements/{statement_id}/lines/{line}/link", response_model=StatementAnswer,
    responses=refusals(
        "STATEMENT_NOT_FOUND", "STATEMENT_LINE_NOT_FOUND", "PAYMENT_NOT_FOUND", "PAYMENT_REVERSED", "PAYMENT_LINKED",
        "LINE_NOT_A_RECEIPT", "LINE_AMOUNT_DIFFERS", "BANK_ACCOUNT_MISMATCH", "RECONCILIATION_COMPLETE",
    ),
)  # fmt: skip
async def link_statement_line(
    request: Request, statement_id: str, line: Annotated[int, Path(ge=1, le=MAX_LINES)], who: Recorder,
    key: IdempotencyKey, body: LinkStatementLine,
) -> Response:  # fmt: skip
    """Say that a line is a payment which was recorded by hand. The line's own payment, if any, is withdrawn."""
    asked = LinkLine(line=line, payment_id=body.payment_id)
    return await write(request, who, key, Write("link_statement_line", asked, statement_id))


@router.get("/v1/statements/{statement_id}", response_model=StatementAnswer, responses=refusals("STATEMENT_NOT_FOUND"))
def get_statement(
    request: Request, statement_id: str, who: Reader,
    lines: LineNumbers = None,
) -> Response:  # fmt: skip
    """A statement, what became of each line, and suggestions for what was left."""
    with reading(request, who) as tx:
        found = statements.get(tx, statement_id)
        who_sees(who, lookups.bank_account(tx, found.bank_account_id).legal_entity_id)
        only = None if lines is None else [int(number) for number in lines.split(",")]
        found_lines = statements.lines_of(tx, found.id, only)
    return shown(statement_answer(found, found_lines))


@router.get("/v1/statements", response_model=Page[StatementAnswer])
def list_statements(request: Request, who: Reader, page: Paging) -> Response:
    """Bank statements that were uploaded, the newest first."""
    after = page.after("statements", str)
    with reading(request, who) as tx:
        found = statements.list_statements(tx, who.entities, after[0] if after else None, page.fetch)
    return shown(page.of("statements", found, key=lambda s: (s.id,), item=statement_answer))
