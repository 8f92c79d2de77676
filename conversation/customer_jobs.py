"""Tools that find and read customers."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, JsonValue

from conversation.api import listed
from conversation.jobs import Talk, job
from models.answers import JsonObject, answer
from models.customers.answers import CustomerAnswer, EffectiveCustomerAnswer, ListedCustomerAnswer
from models.values import Body, Line, RecordId

Limit = Annotated[int, Field(ge=1, le=50)]
CustomerId = Annotated[RecordId, Field(description="A customer's id (cust_…), as find_customers answers it")]


class FindCustomers(Body):
    """Whom to look for."""

    query: Annotated[Line, Field(description="A part of the name or e-mail, or a whole tax id, external id or id")]
    status: Literal["active", "inactive"] | None = None
    limit: Limit = 10


@answer
class FoundCustomers:
    """`match`: whether one customer was found, several (ask which), or none. `exact_id`: of the one whose name is just that."""

    match: Literal["one", "several", "none"]
    exact_id: str | None
    items: Sequence[ListedCustomerAnswer]
    more: bool


@job("find_customers", "Find customers", FindCustomers, FoundCustomers)
async def find_customers(talk: Talk, asked: FindCustomers) -> JsonObject:
    """Find customers by a part of their name or e-mail, or a whole tax id or external id. Where several match, show the
    person the candidates and ask which one is meant; never choose one yourself."""
    if asked.query.startswith("cust_"):
        one = await talk.api.get(f"/v1/customers/{quote(asked.query, safe='')}")
        own = {name: one[name] for name in ListedCustomerAnswer.__dataclass_fields__}
        return {"match": "one", "exact_id": one["id"], "items": [own], "more": False}
    found = await talk.api.get("/v1/customers", {"q": asked.query, "status": asked.status, "limit": asked.limit})
    items = listed(found)
    named = [c["id"] for c in items if str(c["name"]).casefold() == asked.query.strip().casefold()]
    match = "none" if not items else "one" if len(items) == 1 else "several"
    shown: list[JsonValue] = [dict(c) for c in items]
    exact = str(named[0]) if len(named) == 1 else None
    return {"match": match, "exact_id": exact, "items": shown, "more": found["next_cursor"] is not None}


class GetCustomer(Body):
    """Which customer, and as which legal entity sees it."""

    customer_id: CustomerId
    legal_entity_id: (
        Annotated[RecordId, Field(description="Answers what this entity sees: the effective view")] | None
    ) = None


@job("get_customer", "Read a customer", GetCustomer, CustomerAnswer | EffectiveCustomerAnswer)
async def get_customer(talk: Talk, asked: GetCustomer) -> JsonObject:
    """A customer's master with addresses, contacts, prices, tax profiles and `version`; with legal_entity_id what that
    entity sees, and which fields come from it."""
    return await talk.api.get(_path(asked.customer_id), {"legal_entity_id": asked.legal_entity_id})


class PrepareMeeting(Body):
    """Whom the meeting is with."""

    customer_id: CustomerId


@answer
class Meeting:
    """The 360 view of the customer (as `GET /v1/customers/{id}/360` answers it), and its open invoices, the longest due
    first."""

    view: JsonObject
    open_invoices: Sequence[JsonObject]


@job("prepare_customer_meeting", "Prepare a customer meeting", PrepareMeeting, Meeting)
async def prepare_customer_meeting(talk: Talk, asked: PrepareMeeting) -> JsonObject:
    """Everything for a meeting with a customer in one call: contracts, cases, opportunities, quotes, orders, NPS,
    activities, receivables, what needs attention, and the open invoices that are due longest."""
    path = _path(asked.customer_id)
    view, invoices = await asyncio.gather(
        talk.api.get(f"{path}/360"),
        talk.api.get("/v1/invoices", {"customer_id": asked.customer_id, "status": "open", "limit": 10}),
    )
    return {"view": dict(view), "open_invoices": invoices["items"]}


def _path(customer_id: str) -> str:
    return f"/v1/customers/{quote(customer_id, safe='')}"
