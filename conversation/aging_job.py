"""The tool that says what is owed: by one customer, or by all of them."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from conversation.api import listed
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
    """Every customer that owes something, the most overdue first; `more`: there are others. Tied to the control account."""

    report: JsonObject
    more: bool


@job("aging", "Aging", Aging, AgingAnswer | Receivables)
async def aging(talk: Talk, asked: Aging) -> JsonObject:
    """What a customer owes as of a day, in buckets by days past due, with unapplied money and credits; without a customer what
    all of them owe, tied to the control account. Amounts are minor units of the currency beside them."""
    day = None if asked.as_of is None else asked.as_of.isoformat()
    if asked.customer_id is not None:
        return await talk.api.get(f"/v1/customers/{quote(asked.customer_id, safe='')}/ar-aging", {"as_of": day})
    report = dict(await talk.api.get("/v1/reports/ar-aging", {"as_of": day or datetime.now(UTC).date().isoformat()}))
    rows = sorted(listed(report), key=_overdue, reverse=True)
    report["items"] = [dict(row) for row in rows[: asked.limit]]
    return {"report": report, "more": len(rows) > asked.limit}


def _overdue(row: JsonObject) -> int:
    return int(str(row["days_90plus_minor"])) + int(str(row["days_60_minor"])) + int(str(row["days_30_minor"]))
