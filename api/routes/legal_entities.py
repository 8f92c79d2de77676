"""One legal entity: looked at, changed."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.answering import shown
from api.deps import RECORD, IdempotencyKey, Principal, requires
from api.gate import gated_router
from api.problems import refusals
from api.reading import reading, who_sees
from api.write import Write, write
from models.db import lookups
from models.master_data.answers import LegalEntityAnswer, legal_entity_answer
from models.master_data.requests import ChangeLegalEntity

router = gated_router("books")

Reader = Annotated[Principal, requires("settings.read")]
Writer = Annotated[Principal, requires("settings.write", RECORD)]


@router.get(
    "/v1/legal-entities/{legal_entity_id}", response_model=LegalEntityAnswer,
    responses=refusals("LEGAL_ENTITY_NOT_FOUND"),
)  # fmt: skip
def get_legal_entity(request: Request, legal_entity_id: str, who: Reader) -> Response:
    """One legal entity with its functional currency and how the tax in its discounts is treated."""
    with reading(request, who) as tx:
        found = lookups.legal_entity(tx, legal_entity_id)
    who_sees(who, found.id)
    return shown(legal_entity_answer(found))


@router.patch(
    "/v1/legal-entities/{legal_entity_id}", response_model=LegalEntityAnswer,
    responses=refusals("LEGAL_ENTITY_NOT_FOUND"),
)  # fmt: skip
async def change_legal_entity(
    request: Request, legal_entity_id: str, body: ChangeLegalEntity, who: Writer, key: IdempotencyKey
) -> Response:
    """Change a legal entity's name, or whether the tax in discounts and credit notes is taken back: absent is unchanged, null
    the usual rule of its currency. It holds for what is posted from then on."""
    return await write(request, who, key, Write("change_legal_entity", body, legal_entity_id, who.org_id))
