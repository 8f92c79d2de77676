"""A customer's aging."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.answering import shown
from api.deps import Principal, requires
from api.gate import gated_router
from api.moments import Until
from api.problems import refusals
from api.reading import reading, sees_customer
from models.cash.report_answers import AgingAnswer
from models.db.cash.aging import aging_of
from models.values import IsoDate

router = gated_router("aging")
Reader = Annotated[Principal, requires("customers.read")]
AsOf = Annotated[IsoDate | None, Query(description="The day asked about; today (UTC) unless given")]
KnownAt = Annotated[Until | None, Query(description="Count only what was recorded by then; a date means its end")]


@router.get(
    "/v1/customers/{customer_id}/ar-aging",
    response_model=AgingAnswer,
    responses=refusals("CUSTOMER_NOT_FOUND", "FX_RATE_MISSING"),
)
def get_ar_aging(
    request: Request, customer_id: str, who: Reader, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """The customer's aging: what is owed, in minor units, in buckets by days past due; payments count from their payment date."""
    with reading(request, who, snapshot=True) as tx:
        sees_customer(tx, who, customer_id)
        return shown(aging_of(tx, customer_id, as_of or tx.now.date(), known_at, who.entities))
