"""Bulk imports of customers: uploaded, reviewed, executed, reported."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import File, Form, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api import import_report
from api.deps import ORGANISATION, RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import IMPORT_LIMIT, gated_router
from api.import_upload import act, read_options, upload
from api.problems import invalid, refusals
from api.process import Write, write_now
from api.reading import reading, who_sees
from models.db.imports import records as imports
from models.db.imports import rows as import_rows
from models.errors import FieldError
from models.imports.columns import FIELDS, PRESETS, check_mapping
from models.imports.options import OPEN, ImportStatus, Source, Unreadable
from models.imports.options import Mapping as ColumnMapping
from models.values import Body, Empty, ReasonCode, Text
from operations.imports.decisions import mapping_body
from operations.imports.preview import changes_of
from operations.imports.raw_rows import layout_of
from operations.imports.view import import_body

router = gated_router("imports")

Reader = Annotated[Principal, requires("imports.read")]
Uploader = Annotated[Principal, requires("imports.submit", RECORD, body_limit=IMPORT_LIMIT)]
Submitter = Annotated[Principal, requires("imports.submit", RECORD)]
Keeper = Annotated[Principal, requires("imports.submit", ORGANISATION)]
Decider = Annotated[Principal, requires("imports.decide", RECORD)]
Outcome = Literal["error", "failed", "created", "updated", "skipped", "warning", "duplicate", "valid", "not_attempted"]


class ReviewDecision(Body):
    """Rejecting needs a reason_code."""

    decision: Literal["approve", "reject"]
    reason_code: ReasonCode | None = None
    comment: Text | None = None


@router.post(
    "/v1/customer-imports",
    status_code=202,
    responses=refusals("LEGAL_ENTITY_NOT_FOUND", "SOURCE_CONNECTION_NOT_FOUND"),
)
async def submit_import(
    request: Request,
    options: Annotated[str, Form()],
    who: Uploader,
    key: IdempotencyKey,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Upload a file of customers (CSV, XLSX, NDJSON, or an export of Salesforce, HubSpot, an ERP, a partner); or, without
    a file, pull them from the connection that the options name.

    It is staged and validated; then a manager decides. Nothing is created before. The same file with the same options is
    the same import, unless another Idempotency-Key says otherwise.
    """

    def saved(name: str) -> Mapping[str, Any] | None:
        with reading(request, who) as tx:
            row = imports.saved_mapping(tx, name)
        return None if row is None else dict(row["mapping"])

    return await upload(request, who, key, file, await run_in_threadpool(read_options, options, saved))


@router.get("/v1/customer-imports/presets")
def get_presets(who: Reader) -> dict[str, Any]:
    """The column names that each source is known by, and the fields that a column may be mapped to."""
    return {"fields": sorted(FIELDS), "presets": {source: dict(known) for source, known in PRESETS.items()}}


class NewMapping(Body):
    """Column name → field of a customer; null leaves the column out."""

    source: Source
    mapping: ColumnMapping


@router.get("/v1/customer-imports/mappings")
def get_mappings(request: Request, who: Reader) -> dict[str, Any]:
    """The mappings that the organisation has saved; an upload names one in `options.mapping`."""
    with reading(request, who) as tx:
        return {"items": [mapping_body(row) for row in imports.saved_mappings(tx)]}


@router.put("/v1/customer-imports/mappings/{name}")
async def put_mapping(request: Request, name: str, body: NewMapping, who: Keeper, key: IdempotencyKey) -> Response:
    """Save a mapping under a name, or replace the one of that name."""
    try:
        check_mapping(body.mapping)
    except Unreadable as wrong:
        raise invalid(FieldError("/mapping", wrong.code, wrong.detail)) from None
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise invalid(FieldError("/path/name", "FIELD_LENGTH", "A name has 1 to 64 printable characters."))
    w = Write("import.save_mapping", {"name": name, **body.model_dump(mode="json")}, who.org_id)
    return await write_now(request, who, key, w)


@router.get("/v1/customer-imports")
def list_imports(request: Request, who: Reader, page: Paging, status: ImportStatus | None = None) -> dict[str, Any]:
    """The newest first."""
    after = page.after("customer-imports", str)
    with reading(request, who) as tx:
        rows = imports.page(tx, status, who.entities, after[0] if after else None, page.fetch)
    return page.answer("customer-imports", rows, key=lambda r: (r["id"],), item=import_body)


@router.get("/v1/customer-imports/{import_id}", responses=refusals("IMPORT_NOT_FOUND"))
def get_import(request: Request, import_id: str, who: Reader) -> dict[str, Any]:
    """Where it stands: status, steps, counters, summary of the validation, failure."""
    return import_body(_seen(request, who, import_id))


@router.get("/v1/customer-imports/{import_id}/rows", responses=refusals("IMPORT_NOT_FOUND"))
def get_rows(
    request: Request,
    import_id: str,
    who: Reader,
    page: Paging,
    outcome: Outcome | None = None,
    code: Annotated[str | None, Query(pattern="^[A-Z][A-Z0-9_]{0,63}$")] = None,
) -> dict[str, Any]:
    """The rows in file order with outcome, codes and errors by column; of one outcome, or those of which a code was said.

    `changes` is what a row that updates would change of its customer, as long as it has not been carried out.
    """
    row = _seen(request, who, import_id)
    after = page.after("import-rows", int)
    with reading(request, who) as tx:
        rows = import_rows.page(tx, row, after[0] if after else 0, page.fetch, outcome, code)
        waiting = [r["row_no"] for r in rows if not r["executed"]] if row["status"] in OPEN else []
        changes = changes_of(tx, row, waiting)
    layout = None if row["layout"] is None else layout_of(row)

    def body(r: Any) -> dict[str, Any]:
        assert layout is not None, "what has rows has a layout"
        return import_report.row_body(r, layout, changes.get(r["row_no"]))

    return page.answer("import-rows", rows, key=lambda r: (r["row_no"],), item=body)


_REPORT: Final = {
    "description": "The rows as CSV, in UTF-8 and with a header.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}


@router.get(
    "/v1/customer-imports/{import_id}/report.csv",
    response_class=StreamingResponse,
    responses={**refusals("IMPORT_NOT_FOUND"), 200: _REPORT},
)
def get_report(request: Request, import_id: str, who: Reader, outcome: Outcome | None = None) -> Response:
    """Each input row with its outcome, codes and customer id; safe to open in a spreadsheet.

    With `outcome=failed` only the rows to correct. The corrected report may be uploaded as it is.
    """
    row = _seen(request, who, import_id)
    stream = import_report.report(request.app.state.engine, who.org_id, row["id"], outcome)
    headers = {"Content-Disposition": f'attachment; filename="{row["id"]}.csv"'}
    return StreamingResponse(stream, media_type="text/csv; charset=utf-8", headers=headers)


_PROGRESS: Final = {
    "description": "Server-sent events `progress`, and `end` with the last: their `data` is JSON, the counters as they stand.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.get(
    "/v1/customer-imports/{import_id}/events",
    response_class=StreamingResponse,
    responses={**refusals("IMPORT_NOT_FOUND"), 200: _PROGRESS},
)
def get_events(request: Request, import_id: str, who: Reader) -> Response:
    """The import's progress as server-sent events; the stream ends with the import."""
    row = _seen(request, who, import_id)
    stream = import_report.progress_events(request.app.state.engine, who.org_id, row["id"])
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.post(
    "/v1/customer-imports/{import_id}/decisions",
    responses=refusals(
        "IMPORT_NOT_FOUND", "IMPORT_CLOSED", "SEGREGATION_OF_DUTIES", "IMPORT_NOT_AWAITING_REVIEW", "REASON_REQUIRED"
    ),
)
async def decide(request: Request, import_id: str, body: ReviewDecision, who: Decider, key: IdempotencyKey) -> Response:
    """Approve or reject what the validation found. Who uploaded the file does not decide it."""
    return await act(request, who, key, Write("import.decide", body.model_dump(mode="json"), import_id))


def _act(verb: str, *codes: str) -> None:
    @router.post(
        f"/v1/customer-imports/{{import_id}}/{verb}",
        responses=refusals("IMPORT_NOT_FOUND", "IMPORT_CLOSED", *codes),
        name=f"{verb}_import",
    )
    async def change(
        request: Request, import_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
    ) -> Response:
        return await act(request, who, key, Write(f"import.{verb}", {}, import_id))

    change.__doc__ = f"{verb.capitalize()} the import, between two batches."


_act("pause", "IMPORT_STATE")
_act("resume", "IMPORT_STATE")
_act("cancel")


def _seen(request: Request, who: Principal, import_id: str) -> Any:
    with reading(request, who) as tx:
        row = imports.get(tx, import_id)
    who_sees(who, row["legal_entity_id"])
    return row
