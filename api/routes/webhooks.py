"""Where events are sent (webhook endpoints), and what became of each (deliveries): contract, section 7."""

import json
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response
from temporalio.service import RPCError

from api.deps import ORGANISATION, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading
from api.write import Write, write
from models.db import webhooks
from models.errors import FieldError, Refusal
from models.events import EVENTS
from models.messages.webhooks import WebhookQueue
from models.outgoing import names_the_inside
from models.values import Body, HttpUrl, Text
from operations.webhooks import delivery_body, endpoint_body
from settings import Settings
from workflows.reactions import wake

router = gated_router("webhooks")
User = Annotated[Principal, requires("events.use", ORGANISATION)]
# Endpoints get every event of the organisation: not for a token that sees some legal entities only.
Reader = Annotated[Principal, requires("events.read", ORGANISATION)]
EventTypes = Annotated[list[str], Field(max_length=len(EVENTS))]
Url = Annotated[HttpUrl, Field(min_length=1, max_length=2000)]
Status = Literal["PENDING", "DELIVERED", "FAILED", "CANCELLED"]


class _Endpoint(Body):
    @field_validator("event_types", check_fields=False)
    @classmethod
    def _known(cls, types: list[str]) -> list[str]:
        if types == ["*"]:
            return []
        unknown = sorted(set(types) - set(EVENTS))
        if unknown:
            raise PydanticCustomError("EVENT_TYPE_UNKNOWN", f"There is no event type {unknown[0]}")
        return sorted(set(types))


class NewEndpoint(_Endpoint):
    """`event_types`: empty, absent or `["*"]` for all of them."""

    url: Url
    event_types: EventTypes = Field(default_factory=list)
    description: Text | None = None


class EndpointPatch(_Endpoint):
    """Absent: unchanged."""

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Text | None = None
    status: Literal["enabled", "disabled"] | None = None


def _reachable(request: Request, url: str | None) -> None:
    settings: Settings = request.app.state.settings
    if url is None or not settings.production:
        return
    if not url.lower().startswith("https://"):
        raise invalid(FieldError("/url", "URL_INVALID", "An endpoint is reached by https"))
    if names_the_inside(url):
        raise invalid(FieldError("/url", "URL_INVALID", "An endpoint is on a public address"))


@router.post("/v1/webhook-endpoints", status_code=201)
async def create(request: Request, body: NewEndpoint, who: User, key: IdempotencyKey) -> Response:
    """Have events sent to a URL. The answer carries the secret that signs them: keep it, it is shown once."""
    _reachable(request, body.url)
    w = Write("webhook_endpoint.create", body.model_dump(mode="json"), "webhook-endpoints", who.org_id)
    return await write(request, who, key, w)


@router.get("/v1/webhook-endpoints")
def endpoints(request: Request, who: Reader, page: Paging) -> dict[str, Any]:
    """The newest first."""
    after = page.after("webhook-endpoints", str)
    with reading(request, who) as tx:
        rows = webhooks.endpoints(tx, after[0] if after else None, page.fetch)
    return page.answer("webhook-endpoints", rows, key=lambda e: (e["id"],), item=endpoint_body)


@router.get("/v1/webhook-endpoints/{endpoint_id}", responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"))
def endpoint(request: Request, endpoint_id: str, who: Reader) -> dict[str, Any]:
    """One of them."""
    with reading(request, who) as tx:
        return endpoint_body(webhooks.endpoint(tx, endpoint_id))


@router.patch("/v1/webhook-endpoints/{endpoint_id}", responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"))
async def change(request: Request, endpoint_id: str, body: EndpointPatch, who: User, key: IdempotencyKey) -> Response:
    """Another address, other types; `disabled` stops sending, `enabled` sends what happens from then on."""
    _reachable(request, body.url)
    sent = body.model_dump(mode="json", exclude_unset=True)
    for name in ("url", "event_types", "status"):
        if name in sent and sent[name] is None:
            raise invalid(FieldError(f"/{name}", "FIELD_TYPE", "It cannot be cleared"))
    return await write(request, who, key, Write("webhook_endpoint.update", sent, endpoint_id))


@router.delete("/v1/webhook-endpoints/{endpoint_id}", responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"))
async def delete(request: Request, endpoint_id: str, who: User, key: IdempotencyKey) -> Response:
    """Send nothing there any more. Its deliveries can still be read."""
    return await write(request, who, key, Write("webhook_endpoint.delete", {}, endpoint_id))


@router.post("/v1/webhook-endpoints/{endpoint_id}/rotate-secret", responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"))
async def rotate(request: Request, endpoint_id: str, who: User, key: IdempotencyKey) -> Response:
    """A new secret; the former one signs beside it for 24 hours."""
    return await write(request, who, key, Write("webhook_endpoint.rotate_secret", {}, endpoint_id))


@router.get("/v1/webhook-deliveries")
def deliveries(
    request: Request,
    who: Reader,
    page: Paging,
    endpoint_id: str | None = None,
    status: Status | None = None,
    event_id: Annotated[str | None, Query(description="What became of one event")] = None,
    subject: Annotated[str | None, Query(description="Of the events about this record")] = None,
) -> dict[str, Any]:
    """What became of the deliveries, the newest event first."""
    after = page.after("webhook-deliveries", int, str)
    wanted = {"endpoint_id": endpoint_id, "status": status, "event_id": event_id, "subject": subject}
    with reading(request, who) as tx:
        rows = webhooks.deliveries(tx, wanted, after, page.fetch)
    return page.answer("webhook-deliveries", rows, key=lambda d: (d["position"], d["id"]), item=delivery_body)


@router.get("/v1/webhook-deliveries/{delivery_id}", responses=refusals("WEBHOOK_DELIVERY_NOT_FOUND"))
def delivery(request: Request, delivery_id: str, who: Reader) -> dict[str, Any]:
    """One of them."""
    with reading(request, who) as tx:
        return delivery_body(webhooks.delivery(tx, delivery_id))


@router.post(
    "/v1/webhook-deliveries/{delivery_id}/replay",
    responses=refusals("WEBHOOK_DELIVERY_NOT_FOUND", "WEBHOOK_ENDPOINT_DISABLED"),
)
async def replay(request: Request, delivery_id: str, who: User, key: IdempotencyKey) -> Response:
    """Send it again, with the same webhook-id; one that waits for its next attempt is tried at once."""
    replayed = await write(request, who, key, Write("webhook_delivery.replay", {}, delivery_id))
    delivery = json.loads(bytes(replayed.body))
    queue = WebhookQueue(who.org_id, delivery["endpoint_id"], delivery["subject"])
    try:
        await wake(request.app.state.temporal, queue, "try_now")
    except RPCError:
        raise Refusal(
            "UNAVAILABLE", "It is in its queue; send the request again with the same Idempotency-Key."
        ) from None
    return replayed
