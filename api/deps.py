"""What a route may ask for in its signature.

from api.deps import IdempotencyKey, Paging, Principal, RequestId, requires

@router.post("/v1/invoices", status_code=201, responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_INACTIVE"))
async def create(body: NewInvoice, who: Annotated[Principal, requires("invoices.write")], key: IdempotencyKey): ...
"""

import secrets
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from api.gate import requires
from api.paging import PageRequest, page_request
from api.problems import invalid
from models.access import Principal
from models.errors import FieldError

__all__ = ["IdempotencyKey", "Paging", "Principal", "RequestId", "RequestKey", "Somebody", "requires"]

_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An `Idempotency-Key`. `given`: by the caller; else made here, and answered for the case of a retry."""

    value: str
    given: bool


async def idempotency_key(request: Request) -> RequestKey:
    """The request's key, or a new one; the answer carries it either way. Raises `422` for an unusable one."""
    value = request.headers.get("idempotency-key")
    key = RequestKey(f"idem_{secrets.token_hex(16)}", False) if value is None else RequestKey(value, True)
    if not 1 <= len(key.value) <= _LONGEST_KEY or not key.value.isprintable():
        detail = f"An idempotency key has 1 to {_LONGEST_KEY} printable characters."
        raise invalid(FieldError("/header/Idempotency-Key", "FIELD_LENGTH", detail))
    request.state.idempotency_key = key.value  # the middleware answers it
    return key


async def request_id(request: Request) -> str:
    """The id of this request, as answered in `X-Request-Id`."""
    found: str = request.state.request_id
    return found


IdempotencyKey = Annotated[RequestKey, Depends(idempotency_key)]
RequestId = Annotated[str, Depends(request_id)]
Paging = Annotated[PageRequest, Depends(page_request)]
Somebody = Annotated[Principal, requires(None)]
"""Any authenticated person, whatever the roles."""
