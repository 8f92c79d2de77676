"""Bulk imports of customers: uploaded, reviewed, executed, reported."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import File, Form, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api import import_report
from api.answering import shown
from api.deps import ORGANISATION, RECORD, IdempotencyKey, Paging, Principal, requires
from api.gate import IMPORT_LIMIT, gated_router
from api.import_upload import read_options, upload
from api.problems import invalid, refusals
from api.reading import reading, who_sees
from api.streams import Streams
from api.write import Write, write
from models.answers import Page
from models.db.imports import imports
from models.errors import FieldError
from models.imports.answers import (
    ImportAnswer,
    ImportMapping,
    ImportMappings,
    ImportPresets,
    ImportProgressAnswer,
    ImportRowAnswer,
    import_answer,
    mapping_answer,
    row_answer,
)
from models.imports.columns import FIELDS, check_mapping
from models.imports.files import Unreadable
from models.imports.presets import PRESETS
from models.imports.raw_rows import values_of
from models.imports.records import Import, ImportRow, ImportStatus
from models.imports.requests import NamedMapping, ReviewDecision, SaveMapping
from models.imports.review import as_seen, covers
from models.values import Empty
from operations.imports import shown_rows
from operations.imports.preview import changes_of

router = gated_router("imports")

Reader = Annotated[Principal, requires("imports.read")]
Uploader = Annotated[Principal, requires("imports.submit", RECORD, body_limit=IMPORT_LIMIT)]
Submitter = Annotated[Principal, requires("imports.submit", RECORD)]
Keeper = Annotated[Principal, requires("imports.submit", ORGANISATION)]
Decider = Annotated[Principal, requires("imports.decide", RECORD)]
Outcome = Literal["error", "failed", "created", "updated", "skipped", "warning", "duplicate", "valid", "not_attempted"]
_MISSING: Final = refusals("IMPORT_NOT_FOUND")
_GOES_ON: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": ImportAnswer, "description": "Nobody has done it after five seconds; the import as it stands."}
}


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class CsvStream(StreamingResponse):
    """A file of CSV, as it is written."""

    media_type = "text/csv"


@router.post(
    "/v1/customer-imports", status_code=202, response_model=ImportAnswer,
    responses=refusals("LEGAL_ENTITY_NOT_FOUND", "SOURCE_CONNECTION_NOT_FOUND"),
)  # fmt: skip
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

    def saved(name: str) -> Mapping[str, str | None] | None:
        with reading(request, who) as tx:
            found = imports.saved_mapping(tx, name)
        return None if found is None else found.mapping

    return await upload(request, who, key, file, await run_in_threadpool(read_options, options, saved))


@router.get("/v1/customer-imports/presets", response_model=ImportPresets)
def get_import_presets(who: Reader) -> Response:
    """The presets of imports: the column names that each source is known by, and the fields that a column may be mapped to."""
    return shown(ImportPresets(fields=sorted(FIELDS), presets=PRESETS))


@router.get("/v1/customer-imports/mappings", response_model=ImportMappings)
def list_import_mappings(request: Request, who: Reader) -> Response:
    """The mappings that the organisation has saved; an upload names one in `options.mapping`."""
    with reading(request, who) as tx:
        saved = imports.saved_mappings(tx)
    return shown(ImportMappings(items=[mapping_answer(one) for one in saved]))


@router.put("/v1/customer-imports/mappings/{name}", response_model=ImportMapping)
async def save_import_mapping(
    request: Request, name: str, body: SaveMapping, who: Keeper, key: IdempotencyKey
) -> Response:
    """Save a mapping under a name, or replace the one of that name."""
    try:
        check_mapping(body.mapping)
    except Unreadable as wrong:
        raise invalid(FieldError("/mapping", wrong.code, wrong.detail)) from None
    if not 1 <= len(name) <= 64 or not name.isprintable() or name.isspace():
        raise invalid(FieldError("/path/name", "FIELD_LENGTH", "A name has 1 to 64 printable characters."))
    named = NamedMapping(name=name, source=body.source, mapping=body.mapping)
    return await write(request, who, key, Write("import.save_mapping", named, who.org_id))


@router.get("/v1/customer-imports", response_model=Page[ImportAnswer])
def list_imports(request: Request, who: Reader, page: Paging, status: ImportStatus | None = None) -> Response:
    """Imports of customers, the newest first."""
    after = page.after("customer-imports", str)
    with reading(request, who) as tx:
        found = imports.page(tx, status, who.entities, after[0] if after else None, page.fetch)
    found = [as_seen(one, who.entities) for one in found]
    return shown(page.of("customer-imports", found, key=lambda one: (one.id,), item=import_answer))


@router.get("/v1/customer-imports/{import_id}", response_model=ImportAnswer, responses=_MISSING)
def get_import(request: Request, import_id: str, who: Reader) -> Response:
    """Where an import stands: status, steps, counters, summary of the validation, failure."""
    return shown(import_answer(_seen(request, who, import_id)))


@router.get("/v1/customer-imports/{import_id}/rows", response_model=Page[ImportRowAnswer], responses=_MISSING)
def list_import_rows(
    request: Request,
    import_id: str,
    who: Reader,
    page: Paging,
    outcome: Outcome | None = None,
    code: Annotated[str | None, Query(pattern="^[A-Z][A-Z0-9_]{0,63}$")] = None,
) -> Response:
    """The rows in file order with outcome, codes and errors by column; of one outcome, or those of which a code was said.

    `changes` is what a row that updates would change of its customer, as long as it has not been carried out; for who may see
    all legal entities whose customers the file touches.
    """
    one = _seen(request, who, import_id)
    after = page.after("import-rows", int)
    with reading(request, who) as tx:
        rows = shown_rows.page(tx, one, who.entities, after[0] if after else 0, page.fetch, outcome, code)
        shows = one.is_open and covers(who.entities, one)
        waiting = [row.row_no for row in rows if not row.executed] if shows else []
        changes = changes_of(tx, one, waiting)

    def item(row: ImportRow) -> ImportRowAnswer:
        values = None if row.raw is None else values_of(one.staged, row.raw)
        return row_answer(row, values, changes.get(row.row_no))

    return shown(page.of("import-rows", rows, key=lambda row: (row.row_no,), item=item))


@router.get("/v1/customer-imports/{import_id}/report.csv", response_class=CsvStream, responses=_MISSING)
def get_import_report(request: Request, import_id: str, who: Reader, outcome: Outcome | None = None) -> Response:
    """Each input row with its outcome, codes and customer id; safe to open in a spreadsheet.

    With `outcome=failed` only the rows to correct. The corrected report may be uploaded as it is.
    """
    one = _seen(request, who, import_id)
    stream = import_report.report(request.app.state.engine, who.org_id, one.id, outcome, who.entities)
    headers = {"Content-Disposition": f'attachment; filename="{one.id}.csv"'}
    return CsvStream(stream, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/v1/customer-imports/{import_id}/events", response_class=EventStream,
    responses={200: {"model": ImportProgressAnswer}, **_MISSING},
)  # fmt: skip
def get_import_events(request: Request, import_id: str, who: Reader) -> Response:
    """The import's progress as server-sent events, `progress` whenever its counters move, and `end` with the last of them.
    A stream is closed after a quarter of an hour, or when its token runs out: open it again. Ten of a person at a time."""
    streams: Streams = request.app.state.streams
    streams.refuse_too_many(who)
    one = _seen(request, who, import_id)
    progress = import_report.progress_events(request.app.state.engine, who.org_id, one.id)
    stream = streams.bounded(request, who, progress)
    return EventStream(stream, headers={"X-Accel-Buffering": "no"})


@router.post(
    "/v1/customer-imports/{import_id}/decisions", response_model=ImportAnswer,
    responses=refusals(
        "IMPORT_NOT_FOUND", "IMPORT_CLOSED", "SEGREGATION_OF_DUTIES", "IMPORT_NOT_AWAITING_REVIEW", "REASON_REQUIRED"
    ) | _GOES_ON,
)  # fmt: skip
async def decide_import(
    request: Request, import_id: str, body: ReviewDecision, who: Decider, key: IdempotencyKey
) -> Response:
    """Approve or reject an import, by what its validation found. Who uploaded the file does not decide it."""
    return await write(request, who, key, Write("import.decide", body, import_id))


@router.post(
    "/v1/customer-imports/{import_id}/pause", response_model=ImportAnswer,
    responses=refusals("IMPORT_NOT_FOUND", "IMPORT_CLOSED", "IMPORT_STATE") | _GOES_ON,
)  # fmt: skip
async def pause_import(
    request: Request, import_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Hold the import, between two batches."""
    return await write(request, who, key, Write("import.pause", Empty(), import_id))


@router.post(
    "/v1/customer-imports/{import_id}/resume", response_model=ImportAnswer,
    responses=refusals("IMPORT_NOT_FOUND", "IMPORT_CLOSED", "IMPORT_STATE") | _GOES_ON,
)  # fmt: skip
async def resume_import(
    request: Request, import_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """Go on with a paused import where it was held."""
    return await write(request, who, key, Write("import.resume", Empty(), import_id))


@router.post(
    "/v1/customer-imports/{import_id}/cancel", response_model=ImportAnswer,
    responses=refusals("IMPORT_NOT_FOUND", "IMPORT_CLOSED") | _GOES_ON,
)  # fmt: skip
async def cancel_import(
    request: Request, import_id: str, who: Submitter, key: IdempotencyKey, body: Empty | None = None
) -> Response:
    """End the import between two batches; the customers that it has made stay."""
    return await write(request, who, key, Write("import.cancel", Empty(), import_id))


def _seen(request: Request, who: Principal, import_id: str) -> Import:
    with reading(request, who) as tx:
        one = imports.get(tx, import_id)
    who_sees(who, one.legal_entity_id)
    return as_seen(one, who.entities)
