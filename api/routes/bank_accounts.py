"""One bank account: looked at, changed."""

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
from models.master_data.answers import BankAccountAnswer, bank_account_answer
from models.master_data.requests import ChangeBankAccount

router = gated_router("books")

Reader = Annotated[Principal, requires("settings.read")]
Writer = Annotated[Principal, requires("settings.write", RECORD)]


@router.get(
    "/v1/bank-accounts/{bank_account_id}", response_model=BankAccountAnswer,
    responses=refusals("BANK_ACCOUNT_NOT_FOUND"),
)  # fmt: skip
def get_bank_account(request: Request, bank_account_id: str, who: Reader) -> Response:
    """One bank account with its numbers, currency and legal entity."""
    with reading(request, who) as tx:
        found = lookups.bank_account(tx, bank_account_id)
    who_sees(who, found.legal_entity_id)
    return shown(bank_account_answer(found))


@router.patch(
    "/v1/bank-accounts/{bank_account_id}", response_model=BankAccountAnswer,
    responses=refusals("BANK_ACCOUNT_NOT_FOUND"),
)  # fmt: skip
async def change_bank_account(
    request: Request, bank_account_id: str, body: ChangeBankAccount, who: Writer, key: IdempotencyKey
) -> Response:
    """Change a bank account's name and numbers: absent is unchanged, null takes a number away."""
    return await write(request, who, key, Write("change_bank_account", body, bank_account_id, who.org_id))
