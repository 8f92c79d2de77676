"""How an upload becomes a write: hashed, and stored in pieces once its command has been kept.

A pull from a connection goes the same way, without a file.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from fastapi import Request, UploadFile
from pydantic import ValidationError
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import json_body
from api.invalid import field_errors
from api.keys import RequestKey
from api.problems import invalid
from api.reading import who_sees
from api.write import Write, Written, write
from models.access import Principal
from models.commands import Answered
from models.db.engine import transaction
from models.db.imports import files, imports
from models.db.tx import to_json
from models.errors import FieldError
from models.ids import new_id
from models.imports.answers import ImportAnswer, import_answer
from models.imports.columns import check_mapping
from models.imports.files import Unreadable
from models.imports.requests import ImportOptions, SubmitImport
from models.imports.review import notice_of
from models.invisible import file_name

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
    name, file_hash, size = None, f"pull:{options.connection}", 0
    if file is None and options.connection is None:
        raise invalid(FieldError("/file", "FIELD_REQUIRED", "A file, or in the options a connection to pull from."))
    if file is not None:
        if options.connection is not None:
            wrong = "What is pulled from a connection comes without a file."
            raise invalid(FieldError("/options/connection", "FIELD_TYPE", wrong))
        name = file_name(file.filename)
        file_hash, size = await run_in_threadpool(_digest, file.file)
    body = SubmitImport(options=options, file_name=name, file_hash=file_hash, file_bytes=size)
    if not key.given:
        before = await run_in_threadpool(_same, engine, who, file_hash, options.digest())
        if before is not None:
            return Written(Answered(to_json(before), 202, True))

    async def store(import_id: str) -> None:
        if file is not None:
            await run_in_threadpool(files.keep_file, engine, who.org_id, import_id, _pieces(file.file))

    return await write(request, who, key, Write("import.submit", body, new_id("imp"), first=store))


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
    return import_answer(one, notice_of(one))
