"""Records of the systems around the books, written by whoever owns them: PUT /v1/sources/{kind}."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import Field, create_model, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.deps import IdempotencyKey, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.process import Write, write_now
from api.schema import Body
from models.source_records import KINDS, RECORDS_LIMIT, Kind, SourceRecord

router = gated_router("sources")
Writer = Annotated[Principal, requires("sources.write")]


class _Records(Body):
    records: Annotated[list[Any], Field(min_length=1, max_length=RECORDS_LIMIT)]

    @field_validator("records")
    @classmethod
    def _each_once(cls, records: list[SourceRecord]) -> list[SourceRecord]:
        if len({r.external_id for r in records}) < len(records):
            raise PydanticCustomError("EXTERNAL_ID_REPEATED", "An external_id appears more than once")
        return records


def _put(kind: Kind) -> None:
    listed = Annotated[list[kind.record], Field(min_length=1, max_length=RECORDS_LIMIT)]  # type: ignore[name-defined]
    body_type: Any = create_model(f"{kind.record.__name__}s", __base__=_Records, records=(listed, ...))

    @router.put(f"/v1/sources/{kind.table}", responses=refusals("CUSTOMER_NOT_FOUND"), name=f"put_{kind.table}")
    async def put(request: Request, body: body_type, who: Writer, key: IdempotencyKey) -> Response:
        """Upsert up to 500 records by external_id, all or none."""
        sent = body.model_dump(mode="json", exclude_unset=True)
        write = Write("put_source_records", {"kind": kind.table, **sent}, kind.table, who.org_id)
        return await write_now(request, who, key, write)


for _kind in KINDS.values():
    _put(_kind)
