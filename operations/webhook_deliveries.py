"""One attempt to deliver: what is sent, and what is recorded of it. The sending itself holds no transaction open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from models.db import webhooks
from models.db.engine import transaction
from models.db.tx import Tx, to_json
from models.messages.webhooks import WebhookQueue
from models.outbox import cloud_event
from models.webhooks.records import DeliveryStatus, DueDelivery
from models.webhooks.signing import retry_after, signature_headers
from operations.organisations import bootstrap_work

GONE: Final = 410
OPS_TIME: Final = timedelta(days=1)


@dataclass(frozen=True)
class Parcel:
    """What is sent in one attempt."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or the code of why nothing did."""

    status: int | None
    error_code: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


Send = Callable[[Parcel], Answer]


def attempt(engine: Engine, queue: WebhookQueue, send: Send) -> tuple[bool, timedelta | None]:
    """Send the oldest pending delivery of the queue. Answers whether there was one, and when to try it again.

    At least once: a worker that dies between sending and recording sends again, under the same webhook-id.
    """
    with transaction(engine, queue.org_id) as tx:
        due = webhooks.next_delivery(tx, queue.endpoint_id, queue.subject)
        now = tx.now
    if due is None:
        return False, None
    answer = send(_parcel(due, now))
    return True, _record(engine, queue, due.id, answer, now)


def _parcel(due: DueDelivery, now: datetime) -> Parcel:
    body, e = to_json(cloud_event(due.event)).encode(), due.endpoint
    keys = [e.secret]
    if e.former_secret is not None and e.former_until is not None and now < e.former_until:
        keys.append(e.former_secret)
    headers = {"content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "arflow-webhooks"}
    return Parcel(e.url, headers | signature_headers(due.event.id, now, body, keys), body)


def _record(
    engine: Engine, queue: WebhookQueue, delivery_id: str, answer: Answer, sent_at: datetime
) -> timedelta | None:
    """What became of it; how long to wait before the next attempt, None where there is none."""
    with transaction(engine, queue.org_id) as tx:
        current = webhooks.get_delivery(tx, delivery_id, lock=True)
        if current.status is not DeliveryStatus.PENDING:  # cancelled meanwhile
            return None
        wait, status = None, DeliveryStatus.DELIVERED
        if not answer.accepted:
            wait = None if answer.status == GONE else retry_after(current.attempts + 1)
            status = DeliveryStatus.FAILED if wait is None else DeliveryStatus.PENDING
        webhooks.record_attempt(
            tx, delivery_id, status, at=sent_at, response_status=answer.status,
            error_code=None if answer.accepted else answer.error_code or "HTTP_STATUS",
            next_attempt_at=None if wait is None else tx.now + wait,
        )  # fmt: skip
        if status is DeliveryStatus.FAILED:
            _give_up(tx, queue, delivery_id, answer)
        return wait


def _give_up(tx: Tx, queue: WebhookQueue, delivery_id: str, answer: Answer) -> None:
    """Onto the desk of ops. Where the receiver says that it is gone (410), nothing more is sent there."""
    work = bootstrap_work(tx, "system")
    reason = "ENDPOINT_GONE" if answer.status == GONE else "DELIVERY_FAILED"
    detail = {"delivery_id": delivery_id, "response_status": answer.status, "error_code": answer.error_code}
    work.open_exception("webhook_delivery", reason, queue.endpoint_id, owner_role="ops", due_in=OPS_TIME, detail=detail)
    if answer.status == GONE:
        webhooks.disable_endpoint(tx, queue.endpoint_id)
        work.audit(queue.endpoint_id, "webhook_endpoint.disabled", detail, reason_code=reason)
    work.audit(queue.endpoint_id, "webhook_delivery.failed", detail, reason_code=reason)
    work.flush()
