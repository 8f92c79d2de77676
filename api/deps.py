"""What a route may ask for in its signature.

from api.deps import IdempotencyKey, Paging, Principal, RequestId, requires

@router.post("/v1/invoices", status_code=201, responses=refusals("CUSTOMER_NOT_FOUND", "CUSTOMER_INACTIVE"))
async def create(body: NewInvoice, who: Annotated[Principal, requires("invoices.write", RECORD)], key: IdempotencyKey): ...
"""

from typing import Annotated, Final

from fastapi import Depends, Request

from api.gate import requires
from api.keys import RequestKey, idempotency_key
from api.paging import PageRequest, page_request
from models.access import Principal, Reach

__all__ = [
    "ORGANISATION", "OWN", "RECORD",
    "IdempotencyKey", "Paging", "Principal", "RequestId", "RequestKey", "Somebody", "requires",
]  # fmt: skip
ORGANISATION: Final = Reach.ORGANISATION
RECORD: Final = Reach.RECORD
OWN: Final = Reach.OWN


async def request_id(request: Request) -> str:
    """The id of this request, as answered in `X-Request-Id`."""
    found: str = request.state.request_id
    return found


IdempotencyKey = Annotated[RequestKey, Depends(idempotency_key)]
RequestId = Annotated[str, Depends(request_id)]
Paging = Annotated[PageRequest, Depends(page_request)]
Somebody = Annotated[Principal, requires(None)]
"""Any authenticated person, whatever the roles."""
