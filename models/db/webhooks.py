"""Webhook endpoints and deliveries in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import literal_column

from models.answers import read_row
from models.db.listing import Listing
from models.db.lookups import found
from models.db.tables.shared import webhook_deliveries, webhook_endpoints
from models.db.tx import Tx
from models.outbox import OutboxEvent
from models.webhooks.records import DeliveryStatus, DueDelivery, WebhookDelivery, WebhookEndpoint
from models.webhooks.signing import FORMER_SECRET_SERVES, shown

_E: Final = webhook_endpoints
_ENDPOINTS: Final = Listing(_E, key=(_E.c.id,), newest_first=True, within=None, where=_E.c.status != "deleted")
_D: Final = webhook_deliveries.alias("d")
_DELIVERIES: Final = Listing(
    _D,
    key=(_D.c.position, _D.c.id),
    newest_first=True,
    shown=(
        _D,
        literal_column(
            "(SELECT e.url FROM webhook_endpoints e WHERE e.org_id = d.org_id AND e.id = d.endpoint_id)"
        ).label("url"),
    ),
    within=None,
    equal=(_D.c.endpoint_id, _D.c.status, _D.c.event_id, _D.c.subject),
)
_DELIVERY: Final = """SELECT d.*, e.url FROM webhook_deliveries d
  JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id WHERE d.org_id = :org AND d.id = :id"""


def get_endpoint(tx: Tx, endpoint_id: str, *, lock: bool = False) -> WebhookEndpoint:
    """The endpoint; 404 or 403 otherwise. One that was taken away is not found."""
    sql = "SELECT * FROM webhook_endpoints WHERE org_id = :org AND id = :id AND status <> 'deleted'"
    sql += " FOR UPDATE" if lock else ""
    return found(tx, "webhook_endpoint", endpoint_id, tx.record(WebhookEndpoint, sql, id=endpoint_id))


def secret_told(tx: Tx, endpoint_id: str, former_until: datetime | None) -> str | None:
    """The secret that an endpoint was made with, or was given when the former one was to end at `former_until`; None once a day
    has passed, or where it has another one by now."""
    sql = "SELECT * FROM webhook_endpoints WHERE org_id = :org AND id = :id AND status <> 'deleted'"
    e = tx.record(WebhookEndpoint, sql, id=endpoint_id)
    if e is None or e.former_until != former_until:
        return None
    told_at = e.created_at if former_until is None else former_until - FORMER_SECRET_SERVES
    return shown(e.secret) if tx.now < told_at + FORMER_SECRET_SERVES else None


def list_endpoints(tx: Tx, after: str | None, limit: int) -> Sequence[WebhookEndpoint]:
    """The newest first."""
    rows = _ENDPOINTS.page(tx, None, None if after is None else (after,), limit)
    return [read_row(WebhookEndpoint, row) for row in rows]


def save_endpoint(tx: Tx, e: WebhookEndpoint) -> None:
    """The endpoint as it is from now on."""
    tx.run(
        """UPDATE webhook_endpoints SET url = :url, event_types = :event_types, description = :description,
             status = :status, since = :since, secret = :secret, former_secret = :former_secret,
             former_until = :former_until WHERE org_id = :org AND id = :id""",
        id=e.id,
        url=e.url,
        event_types=list(e.event_types),
        description=e.description,
        status=e.status.value,
        since=e.since,
        secret=e.secret,
        former_secret=e.former_secret,
        former_until=e.former_until,
    )


def disable_endpoint(tx: Tx, endpoint_id: str) -> None:
    """Nothing more is sent there until it is enabled again."""
    sql = "UPDATE webhook_endpoints SET status = 'disabled' WHERE org_id = :org AND id = :id AND status = 'enabled'"
    tx.run(sql, id=endpoint_id)
    cancel_pending(tx, endpoint_id)


def cancel_pending(tx: Tx, endpoint_id: str) -> None:
    """What waits for the endpoint is not sent any more."""
    tx.run(
        "UPDATE webhook_deliveries SET status = 'CANCELLED', next_attempt_at = NULL "
        "WHERE org_id = :org AND endpoint_id = :id AND status = 'PENDING'",
        id=endpoint_id,
    )


def get_delivery(tx: Tx, delivery_id: str, *, lock: bool = False) -> WebhookDelivery:
    """The delivery; 404 or 403 otherwise."""
    sql = _DELIVERY + (" FOR UPDATE OF d" if lock else "")
    return found(tx, "webhook_delivery", delivery_id, tx.record(WebhookDelivery, sql, id=delivery_id))


def list_deliveries(
    tx: Tx, *, endpoint_id: str | None, status: str | None, event_id: str | None, subject: str | None,
    after: tuple[int, str] | None, limit: int,
) -> Sequence[WebhookDelivery]:  # fmt: skip
    """The newest event first."""
    given = {"endpoint_id": endpoint_id, "status": status, "event_id": event_id, "subject": subject}
    rows = _DELIVERIES.page(tx, None, after, limit, **given)
    return [read_row(WebhookDelivery, row) for row in rows]


def next_delivery(tx: Tx, endpoint_id: str, subject: str) -> DueDelivery | None:
    """The oldest pending delivery of a queue."""
    row = tx.one(
        """SELECT d.id AS delivery_id, to_jsonb(o) AS event, e.*
           FROM webhook_deliveries d
           JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
           JOIN outbox_events o ON o.org_id = d.org_id AND o.id = d.event_id
           WHERE d.org_id = :org AND d.endpoint_id = :endpoint AND d.subject = :subject AND d.status = 'PENDING'
           ORDER BY d.position LIMIT 1""",
        endpoint=endpoint_id,
        subject=subject,
    )
    if row is None:
        return None
    return DueDelivery(row["delivery_id"], read_row(OutboxEvent, row["event"]), read_row(WebhookEndpoint, row))


def record_attempt(
    tx: Tx, delivery_id: str, status: DeliveryStatus, *, at: datetime, response_status: int | None,
    error_code: str | None, next_attempt_at: datetime | None,
) -> None:  # fmt: skip
    """What became of an attempt begun `at`."""
    tx.run(
        """UPDATE webhook_deliveries SET status = :status, attempts = attempts + 1, last_attempt_at = :at,
             response_status = :response_status, error_code = :error_code, next_attempt_at = :next,
             delivered_at = CASE WHEN :status = 'DELIVERED' THEN :now END WHERE org_id = :org AND id = :id""",
        id=delivery_id,
        status=status.value,
        at=at,
        response_status=response_status,
        error_code=error_code,
        next=next_attempt_at,
        now=tx.now,
    )


def begin_again(tx: Tx, delivery_id: str) -> None:
    """It is sent again, from the first attempt on."""
    tx.run(
        """UPDATE webhook_deliveries SET status = 'PENDING', attempts = 0, replays = replays + 1, next_attempt_at = NULL,
             error_code = NULL, delivered_at = NULL, response_status = NULL WHERE org_id = :org AND id = :id""",
        id=delivery_id,
    )
