"""Endpoints and deliveries as they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.outbox import OutboxEvent


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Where events are sent: those of `event_types`, or all where it is empty, published after the position `since`.

    `former_secret` signs beside `secret` until `former_until`.
    """

    id: str
    url: str
    event_types: Sequence[str]
    description: str | None
    secret: bytes
    former_secret: bytes | None = None
    former_until: datetime | None = None
    status: EndpointStatus
    since: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event on its way to one endpoint, and what became of the latest attempt."""

    id: str
    endpoint_id: str
    url: str
    event_id: str
    event_type: str
    subject: str
    position: int
    status: DeliveryStatus
    attempts: int
    replays: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    response_status: int | None
    error_code: str | None
    delivered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """The oldest pending delivery of a queue: what is sent, to where, and the secrets that sign it."""

    id: str
    event: OutboxEvent
    endpoint: WebhookEndpoint
