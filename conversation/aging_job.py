"""The tool that says what is owed: by one customer, or by all of them."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from conversation.api import Query, listed
from conversation.customer_jobs import CustomerId, Limit
from conversation.jobs import Talk, job
from models.answers import JsonObject, answer
from models.cash.report_answers import AgingAnswer
from models.values import Body, IsoDate


class Aging(Body):
    """Whose receivables (of all customers unless one is given), and as of when."""

    customer_id: CustomerId | None = None
    as_of: Annotated[IsoDate, Field(description="YYYY-MM-DD; today unless given")] | None = None
    limit: Limit = 20


@answer
class Receivables:
    """Customers, the most overdue first. `customers`: how many there are; `more`: not all of them are listed. Totals are of all,
    tied to the control account."""

    report: JsonObject
    customers: int
    more: bool


@job("aging", "Aging", Aging, AgingAnswer | Receivables)
async def aging(talk: Talk, asked: Aging) -> JsonObject:
    """What a customer owes as of a day, in buckets by days past due, with unapplied money and credits; without a customer what
    all of them owe, tied to the control account. Amounts are minor units of the currency beside them."""
    day = None if asked.as_of is None else asked.as_of.isoformat()
    if asked.customer_id is not None:
        return await talk.api.get(f"/v1/customers/{quote(asked.customer_id, safe='')}/ar-aging", {"as_of": day})
    query: Query = {"as_of": day or datetime.now(UTC).date().isoformat(), "limit": asked.limit}
    report = await talk.api.get("/v1/reports/ar-aging", query)
    customers = int(str(report["customers"]))
    return {"report": dict(report), "customers": customers, "more": customers > len(listed(report))}
