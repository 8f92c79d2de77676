"""An import that is proposed: its file is kept before anybody confirms it, and goes by itself where nobody does."""

import hashlib
from typing import Final
from uuid import UUID, uuid5

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.deps import RequestKey
from api.invalid import field_errors
from api.problems import invalid
from models.access import Principal
from models.answers import JsonObject
from models.db.imports import files
from models.errors import FieldError
from models.ids import id_of, new_id
from models.imports.columns import check_mapping
from models.imports.files import Unreadable
from models.imports.requests import StartImport, SubmitImport

OPERATION: Final = "import.submit"
_IDS: Final = UUID("7d0c1f0e-5a6b-5d3f-9b51-0f6a5f3f1c57")


async def kept_import(request: Request, who: Principal, key: RequestKey, body: JsonObject) -> tuple[str, JsonObject]:
    """The id that the import will have, and the body of its submission: the file is known by its sha256. Asked again with
    the same key, it is the same import. Raises VALIDATION_FAILED."""
    asked = _read(body)
    import_id = id_of("imp", uuid5(_IDS, f"{who.org_id}/{who.sub}/{key.value}")) if key.given else new_id("imp")
    if asked.content is None:
        submitted = SubmitImport(options=asked.options, file_hash=f"pull:{asked.options.connection}", file_bytes=0)
        return import_id, submitted.model_dump(mode="json")
    content = asked.content.encode()
    await run_in_threadpool(files.keep_file, request.app.state.engine, who.org_id, import_id, [content])
    submitted = SubmitImport(
        options=asked.options,
        file_name=asked.file_name,
        file_hash=hashlib.sha256(content).hexdigest(),
        file_bytes=len(content),
    )
    return import_id, submitted.model_dump(mode="json")


def _read(body: JsonObject) -> StartImport:
    try:
        asked = StartImport.model_validate(body)
        check_mapping(asked.options.mapping)
    except ValidationError as wrong:
        raise invalid(*field_errors([{**e, "loc": ("body", "body", *e["loc"])} for e in wrong.errors()])) from None
    except Unreadable as wrong:
        raise invalid(FieldError("/body/options/mapping", wrong.code, wrong.detail)) from None
    return asked
