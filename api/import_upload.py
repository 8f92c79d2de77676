"""How an upload becomes an import: hashed, kept as a command, stored in pieces, handed to its process.

A pull from a connection goes the same way, without a file.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from fastapi import Request, UploadFile
from pydantic import ValidationError
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from api import json_body
from api.deps import RequestKey
from api.invalid import field_errors
from api.problems import invalid
from api.process import START_TIMEOUT, Write, answer, refusal_in, submission
from api.reading import who_sees
from models.access import Principal
from models.db.engine import transaction
from models.db.imports import files, imports
from models.db.tx import to_json
from models.errors import FieldError, Refusal
from models.ids import new_id
from models.imports.answers import ImportAnswer, import_answer
from models.imports.columns import check_mapping
from models.imports.files import Unreadable
from models.imports.requests import ImportOptions, SubmitImport
from models.messages.imports import IMPORT_QUEUE, PROCESS, ImportAct, ImportInput, import_workflow_id
from operations.commands import Submitted, submit
from operations.runner import execute_kept
from operations.work import Answered

ACT_SECONDS = 5.0


Saved = Callable[[str], Mapping[str, str | None] | None]


def read_options(raw: str, saved: Saved) -> ImportOptions:
    """The form field `options`; `saved` finds a mapping that it only names. Raises VALIDATION_FAILED with the places."""
    try:
        said = json_body.parse(raw.encode())
        if isinstance(said, dict) and isinstance(name := said.get("mapping"), str):
            if (found := saved(name)) is None:
                raise invalid(
                    FieldError("/options/mapping", "MAPPING_UNKNOWN", "There is no saved mapping of this name.")
                )
            said = {**said, "mapping": dict(found)}
        options = ImportOptions.model_validate(said)
        check_mapping(options.mapping)
    except ValidationError as wrong:
        raise invalid(
            *(FieldError(f"/options{e.loc}", e.code, e.detail) for e in field_errors(wrong.errors()))
        ) from None
    except Unreadable as wrong:
        raise invalid(FieldError("/options/mapping", wrong.code, wrong.detail)) from None
    return options


async def upload(
    request: Request, who: Principal, key: RequestKey, file: UploadFile | None, options: ImportOptions
) -> Response:
    """Answers as soon as the file is safe; a retry at any point does not import twice."""
    engine: Engine = request.app.state.engine
    import_id = new_id("imp")
    name, file_hash, size = None, f"pull:{options.connection}", 0
    if file is None and options.connection is None:
        raise invalid(FieldError("/file", "FIELD_REQUIRED", "A file, or in the options a connection to pull from."))
    if file is not None:
        if options.connection is not None:
            wrong = "What is pulled from a connection comes without a file."
            raise invalid(FieldError("/options/connection", "FIELD_TYPE", wrong))
        name = (file.filename or "")[:255].replace("\0", "") or None
        file_hash, size = await run_in_threadpool(_digest, file.file)
    body = SubmitImport(options=options, file_name=name, file_hash=file_hash, file_bytes=size)
    if not key.given:
        before = await run_in_threadpool(_same, engine, who, file_hash, options.digest())
        if before is not None:
            return answer(Answered(to_json(before), 202, True), before.workflow_id)
    write = Write("import.submit", body, import_id, process=PROCESS)
    kept = await run_in_threadpool(submit, engine, who, submission(request, key, write, import_workflow_id(import_id)))
    import_id = kept.resource_id or import_id
    if kept.answer is not None:
        return answer(kept.answer, import_workflow_id(json.loads(kept.answer.json)["id"]))
    if file is not None:
        await run_in_threadpool(files.keep_file, engine, who.org_id, import_id, _pieces(file.file))
    await _start(request.app.state.temporal, who.org_id, import_id, kept)
    done = await run_in_threadpool(execute_kept, engine, who.org_id, kept)
    return answer(done, import_workflow_id(import_id))


def _digest(file: BinaryIO) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(files.PIECE):
        yield piece


def _same(engine: Engine, who: Principal, file_hash: str, options_hash: str) -> ImportAnswer | None:
    with transaction(engine, who.org_id, durable=False) as tx:
        one = imports.same_upload(tx, file_hash, options_hash)
    if one is None:
        return None
    who_sees(who, one.legal_entity_id)
    return import_answer(one)


async def _start(client: Client, org_id: str, import_id: str, kept: Submitted) -> None:
    attributes = {
        "OrgId": org_id,
        "ProcessType": PROCESS,
        "ImportId": import_id,
        "Lane": "yellow",
        "CurrentStep": "STAGING",
    }
    try:
        await client.start_workflow(
            PROCESS,
            ImportInput(org_id, import_id, kept.command_id),
            id=import_workflow_id(import_id),
            task_queue=IMPORT_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            rpc_timeout=START_TIMEOUT,
            static_summary=f"Bulk import {import_id}",
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(SearchAttributeKey.for_keyword(k), v) for k, v in attributes.items()]
            ),
        )
    except RPCError:
        raise Refusal(
            "UNAVAILABLE", "The import could not be started; send it again with the same Idempotency-Key."
        ) from None


async def act(request: Request, who: Principal, key: RequestKey, w: Write) -> Response:
    """A decision, a pause, a resumption, a cancellation, carried by the import's process."""
    engine: Engine = request.app.state.engine
    client: Client = request.app.state.temporal
    workflow_id = import_workflow_id(w.record_id)
    kept = await run_in_threadpool(submit, engine, who, submission(request, key, w, workflow_id))
    if kept.answer is not None:
        return answer(kept.answer, workflow_id)
    try:
        what = ImportAct(who.org_id, w.record_id, kept.command_id)
        update = client.get_workflow_handle(workflow_id).execute_update("act", what, id=kept.command_id)
        await asyncio.wait_for(update, ACT_SECONDS)
    except WorkflowUpdateFailedError as failure:
        if (no := refusal_in(failure)) is not None:
            raise no from None
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as error:
        # No process is there to carry it (it has ended, or no worker answers): the act itself is one transaction.
        if isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE:
            raise Refusal(
                "UNAVAILABLE", "The process does not answer; ask again with the same Idempotency-Key."
            ) from None
    done = await run_in_threadpool(execute_kept, engine, who.org_id, kept)
    return answer(done, workflow_id)
