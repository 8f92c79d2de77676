"""Bank statements: uploaded, then worked off by a process."""

import io
from typing import Annotated

from fastapi import File, Path, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.common import WorkflowIDReusePolicy as Reuse

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.process import START_TIMEOUT, Write, answer, operation_path, run_now_in_thread, write_now
from api.reading import reading, who_sees
from models.answers import Page
from models.cash.statement_answers import StatementAnswer, statement_answer
from models.cash.statement_records import StatementStatus
from models.cash.statement_requests import ReceiveStatement, RetryLine, as_received
from models.cash.statements import MAX_LINES
from models.db import lookups
from models.db.cash import statements
from models.ids import new_id
from models.messages.commands import PROCESS_QUEUE
from models.messages.statements import StatementInput, statement_workflow_id
from models.values import Empty
from statement_readers import detect_and_read

router = gated_router("statements")

Reader = Annotated[Principal, requires("payments.read")]
Recorder = Annotated[Principal, requires("payments.record", RECORD)]


@router.post(
    "/v1/bank-accounts/{bank_account_id}/statements", status_code=202, response_model=StatementAnswer,
    responses=refusals(
        "BANK_ACCOUNT_NOT_FOUND", "STATEMENT_UNREADABLE", "STATEMENT_ACCOUNT_MISMATCH", "STATEMENT_ACCOUNT_AMBIGUOUS",
        "STATEMENT_CURRENCY_MISMATCH",
    ),
)  # fmt: skip
async def upload_statement(
    request: Request, bank_account_id: str, file: Annotated[UploadFile, File()], who: Recorder, key: IdempotencyKey
) -> Response:
    """Upload a statement (CAMT.053, MT940, BAI2, OFX, CSV). Its credits become payments; those that name their
    invoices are applied. The same file again is the same statement, and works its lines that failed again."""
    content = await file.read()

    def read() -> ReceiveStatement:
        found = detect_and_read(io.BytesIO(content), file.filename, file.content_type)
        return as_received(bank_account_id, content, file.filename, found)

    body = await run_in_threadpool(read)
    w = Write("receive_statement", body, new_id("stmt"), bank_account_id)
    done = await run_now_in_thread(request, who, key, w)
    received = done.read(StatementAnswer)
    if received.status is StatementStatus.PROCESSING:
        await _start(request, who, received.lines_total, received.id)
    response = answer(done, received.workflow_id)
    response.headers["Location"] = operation_path(received.workflow_id)
    return response


async def _start(request: Request, who: Principal, lines_total: int, statement_id: str) -> None:
    """The statement's process, unless it runs already. One that has ended is begun anew: it finds what is left, or that
    nothing is (a first answer told again says PROCESSING for ever). One that is just about to end looks again."""
    await request.app.state.temporal.start_workflow(
        "ImportStatement",
        StatementInput(who.org_id, statement_id, who.sub, request.state.request_id),
        id=statement_workflow_id(statement_id),
        task_queue=PROCESS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=Reuse.ALLOW_DUPLICATE,
        start_signal="look_again",
        rpc_timeout=START_TIMEOUT,
        static_summary=f"Bank statement {statement_id}, {lines_total} lines",
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword("OrgId"), who.org_id),
                SearchAttributePair(SearchAttributeKey.for_keyword("ProcessType"), "ImportStatement"),
            ]
        ),
    )


@router.post(
    "/v1/statements/{statement_id}/lines/{line}/retry", status_code=202, response_model=StatementAnswer,
    responses=refusals("STATEMENT_NOT_FOUND", "STATEMENT_LINE_NOT_FOUND"),
)  # fmt: skip
async def retry_statement_line(
    request: Request, statement_id: str, line: Annotated[int, Path(ge=1, le=MAX_LINES)], who: Recorder,
    key: IdempotencyKey, body: Empty | None = None,
) -> Response:  # fmt: skip
    """Work a line again: record it where it failed, match it where no invoice answered."""
    return await write_now(request, who, key, Write("retry_statement_line", RetryLine(line=line), statement_id))


@router.get("/v1/statements/{statement_id}", response_model=StatementAnswer, responses=refusals("STATEMENT_NOT_FOUND"))
def get_statement(request: Request, statement_id: str, who: Reader) -> Response:
    """A statement, what became of each line, and suggestions for what was left."""
    with reading(request, who) as tx:
        found = statements.get(tx, statement_id)
        who_sees(who, lookups.bank_account(tx, found.bank_account_id).legal_entity_id)
        lines = statements.lines_of(tx, found.id)
    return shown(statement_answer(found, lines))


@router.get("/v1/statements", response_model=Page[StatementAnswer])
def list_statements(request: Request, who: Reader, page: Paging) -> Response:
    """Statements, the newest first."""
    after = page.after("statements", str)
    with reading(request, who) as tx:
        found = statements.list_statements(tx, who.entities, after[0] if after else None, page.fetch)
    return shown(page.of("statements", found, key=lambda s: (s.id,), item=statement_answer))
