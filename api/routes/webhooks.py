"""Where events are sent (webhook endpoints), and what became of each (deliveries)."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from temporalio.service import RPCError

from api.answering import shown
from api.deps import ORGANISATION, IdempotencyKey, Paging, Principal, requires
from api.gate import gated_router
from api.problems import invalid, refusals
from api.reading import reading
from api.write import Write, Written, write
from models.answers import Page
from models.db import webhooks
from models.errors import FieldError, Refusal
from models.messages.webhooks import WebhookQueue
from models.outgoing import names_the_inside
from models.values import Empty
from models.webhooks.answers import (
    CreatedWebhookEndpointAnswer,
    DeletedWebhookEndpointAnswer,
    RotatedWebhookSecretAnswer,
    WebhookDeliveryAnswer,
    WebhookEndpointAnswer,
    webhook_delivery_answer,
    webhook_endpoint_answer,
)
from models.webhooks.records import DeliveryStatus
from models.webhooks.requests import CreateWebhookEndpoint, UpdateWebhookEndpoint
from settings import Settings
from workflows.reactions import wake

router = gated_router("webhooks")
User = Annotated[Principal, requires("events.use", ORGANISATION)]
# Endpoints get every event of the organisation: not for a token that sees some legal entities only.
Reader = Annotated[Principal, requires("events.read", ORGANISATION)]


def _reachable(request: Request, url: str | None) -> None:
    settings: Settings = request.app.state.settings
    if url is None or not settings.production:
        return
    if not url.lower().startswith("https://"):
        raise invalid(FieldError("/url", "URL_INVALID", "An endpoint is reached by https"))
    if names_the_inside(url):
        raise invalid(FieldError("/url", "URL_INVALID", "An endpoint is on a public address"))


def _with_secret(
    request: Request, who: Principal, made: Written, said: CreatedWebhookEndpointAnswer, former_until: datetime | None
) -> Response:
    """The answer with its secret, which is not kept with it: a request that is repeated, because its answer was lost, is told
    the one that the endpoint still has from it."""
    if said.secret is not None:
        return made
    with reading(request, who) as tx:
        return made.say(replace(said, secret=webhooks.secret_told(tx, said.id, former_until)))


@router.post("/v1/webhook-endpoints", status_code=201, response_model=CreatedWebhookEndpointAnswer)
async def create_webhook_endpoint(
    request: Request, body: CreateWebhookEndpoint, who: User, key: IdempotencyKey
) -> Response:
    """Make a webhook endpoint: events are sent to its URL. The answer carries the secret that signs them: keep it, it is shown
    once."""
    _reachable(request, body.url)
    made = await write(request, who, key, Write("webhook_endpoint.create", body, "webhook-endpoints", who.org_id))
    said = made.done.read(CreatedWebhookEndpointAnswer)
    return await run_in_threadpool(_with_secret, request, who, made, said, None)


@router.get("/v1/webhook-endpoints", response_model=Page[WebhookEndpointAnswer])
def list_webhook_endpoints(request: Request, who: Reader, page: Paging) -> Response:
    """The webhook endpoints of the organisation, the newest first."""
    after = page.after("webhook-endpoints", str)
    with reading(request, who) as tx:
        found = webhooks.list_endpoints(tx, after[0] if after else None, page.fetch)
    return shown(page.of("webhook-endpoints", found, key=lambda e: (e.id,), item=webhook_endpoint_answer))


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}",
    response_model=WebhookEndpointAnswer,
    responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"),
)
def get_webhook_endpoint(request: Request, endpoint_id: str, who: Reader) -> Response:
    """One webhook endpoint: its address, its event types and whether it is sent to; never its secret."""
    with reading(request, who) as tx:
        return shown(webhook_endpoint_answer(webhooks.get_endpoint(tx, endpoint_id)))


@router.patch(
    "/v1/webhook-endpoints/{endpoint_id}",
    response_model=WebhookEndpointAnswer,
    responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"),
)
async def update_webhook_endpoint(
    request: Request, endpoint_id: str, body: UpdateWebhookEndpoint, who: User, key: IdempotencyKey
) -> Response:
    """Change a webhook endpoint's address or event types: `disabled` stops sending, `enabled` sends what happens from then on."""
    _reachable(request, body.url)
    return await write(request, who, key, Write("webhook_endpoint.update", body, endpoint_id))


@router.delete(
    "/v1/webhook-endpoints/{endpoint_id}",
    response_model=DeletedWebhookEndpointAnswer,
    responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"),
)
async def delete_webhook_endpoint(request: Request, endpoint_id: str, who: User, key: IdempotencyKey) -> Response:
    """Delete a webhook endpoint: nothing is sent there any more. Its deliveries can still be read."""
    return await write(request, who, key, Write("webhook_endpoint.delete", Empty(), endpoint_id))


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    response_model=RotatedWebhookSecretAnswer,
    responses=refusals("WEBHOOK_ENDPOINT_NOT_FOUND"),
)
async def rotate_webhook_secret(request: Request, endpoint_id: str, who: User, key: IdempotencyKey) -> Response:
    """Give a webhook endpoint a new secret, which is shown once; the former one signs beside it for 24 hours."""
    turned = await write(request, who, key, Write("webhook_endpoint.rotate_secret", Empty(), endpoint_id))
    said = turned.done.read(RotatedWebhookSecretAnswer)
    return await run_in_threadpool(_with_secret, request, who, turned, said, said.former_until)


@router.get("/v1/webhook-deliveries", response_model=Page[WebhookDeliveryAnswer])
def list_webhook_deliveries(
    request: Request,
    who: Reader,
    page: Paging,
    endpoint_id: str | None = None,
    status: DeliveryStatus | None = None,
    event_id: Annotated[str | None, Query(description="What became of one event")] = None,
    subject: Annotated[str | None, Query(description="Of the events about this record")] = None,
) -> Response:
    """Webhook deliveries and what became of them, the newest event first."""
    after = page.after("webhook-deliveries", int, str)
    with reading(request, who) as tx:
        found = webhooks.list_deliveries(
            tx, endpoint_id=endpoint_id, status=status, event_id=event_id, subject=subject, after=after,
            limit=page.fetch,
        )  # fmt: skip
    return shown(page.of("webhook-deliveries", found, key=lambda d: (d.position, d.id), item=webhook_delivery_answer))


@router.get(
    "/v1/webhook-deliveries/{delivery_id}",
    response_model=WebhookDeliveryAnswer,
    responses=refusals("WEBHOOK_DELIVERY_NOT_FOUND"),
)
def get_webhook_delivery(request: Request, delivery_id: str, who: Reader) -> Response:
    """One webhook delivery: how often it was tried, what was answered last, and when it is tried next."""
    with reading(request, who) as tx:
        return shown(webhook_delivery_answer(webhooks.get_delivery(tx, delivery_id)))


@router.post(
    "/v1/webhook-deliveries/{delivery_id}/replay",
    response_model=WebhookDeliveryAnswer,
    responses=refusals("WEBHOOK_DELIVERY_NOT_FOUND", "WEBHOOK_ENDPOINT_DISABLED"),
)
async def replay_webhook_delivery(request: Request, delivery_id: str, who: User, key: IdempotencyKey) -> Response:
    """Send a delivery again, with the same webhook-id; one that waits for its next attempt is tried at once."""
    replayed = await write(request, who, key, Write("webhook_delivery.replay", Empty(), delivery_id))
    delivery = replayed.done.read(WebhookDeliveryAnswer)
    queue = WebhookQueue(who.org_id, delivery.endpoint_id, delivery.subject)
    try:
        await wake(request.app.state.temporal.client, queue, "try_now")
    except RPCError:
        raise Refusal(
            "UNAVAILABLE", "It is in its queue; send the request again with the same Idempotency-Key."
        ) from None
    return replayed
