"""Webhook endpoints and deliveries as the API shows them. Secrets are shown once, where they are made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from models.answers import answer
from models.webhooks.records import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from models.webhooks.signing import shown


@answer
class WebhookEndpointAnswer:
    """Where events are sent. `event_types` is empty where all of them are."""

    id: str
    url: str
    event_types: Sequence[str]
    description: str | None
    status: EndpointStatus
    created_by: str
    created_at: datetime


def webhook_endpoint_answer(e: WebhookEndpoint) -> WebhookEndpointAnswer:
    return WebhookEndpointAnswer(
        id=e.id,
        url=e.url,
        event_types=e.event_types,
        description=e.description,
        status=e.status,
        created_by=e.created_by,
        created_at=e.created_at,
    )


@answer
class CreatedWebhookEndpointAnswer(WebhookEndpointAnswer):
    """A new endpoint with the secret that signs what is sent there: it is shown here and never again. Null where the request
    is repeated a day later, or after the secret was replaced."""

    secret: str | None


def created_webhook_endpoint_answer(e: WebhookEndpoint) -> CreatedWebhookEndpointAnswer:
    return CreatedWebhookEndpointAnswer(
        id=e.id,
        url=e.url,
        event_types=e.event_types,
        description=e.description,
        status=e.status,
        created_by=e.created_by,
        created_at=e.created_at,
        secret=shown(e.secret),
    )


@answer
class RotatedWebhookSecretAnswer(CreatedWebhookEndpointAnswer):
    """An endpoint with its new secret, shown once; until `former_until` the former one signs beside it."""

    former_until: datetime


def rotated_webhook_secret_answer(e: WebhookEndpoint, former_until: datetime) -> RotatedWebhookSecretAnswer:
    return RotatedWebhookSecretAnswer(
        id=e.id,
        url=e.url,
        event_types=e.event_types,
        description=e.description,
        status=e.status,
        created_by=e.created_by,
        created_at=e.created_at,
        secret=shown(e.secret),
        former_until=former_until,
    )


@answer
class DeletedWebhookEndpointAnswer:
    """Nothing is sent there any more."""

    id: str
    status: Literal["deleted"]


@answer
class WebhookDeliveryAnswer:
    """What became of one event on its way to one endpoint: of the latest attempt, and when the next one is."""

    id: str
    endpoint_id: str
    url: str
    event_id: str
    event_type: str
    subject: str
    status: DeliveryStatus
    attempts: int
    replays: int
    response_status: int | None
    error_code: str | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


def webhook_delivery_answer(d: WebhookDelivery) -> WebhookDeliveryAnswer:
    return WebhookDeliveryAnswer(
        id=d.id,
        endpoint_id=d.endpoint_id,
        url=d.url,
        event_id=d.event_id,
        event_type=d.event_type,
        subject=d.subject,
        status=d.status,
        attempts=d.attempts,
        replays=d.replays,
        response_status=d.response_status,
        error_code=d.error_code,
        last_attempt_at=d.last_attempt_at,
        next_attempt_at=d.next_attempt_at,
        delivered_at=d.delivered_at,
        created_at=d.created_at,
    )
