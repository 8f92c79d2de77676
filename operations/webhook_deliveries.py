"""One attempt to deliver: what is sent, and what is recorded of it. The sending itself holds no transaction open."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine

from models.db import webhooks
from models.db.engine import transaction
from models.db.event_reads import cloud_event
from models.db.tx import Tx
from models.messages.webhooks import WebhookQueue
from models.webhooks.signing import retry_after, signature_headers
from operations.organisations import bootstrap_work

GONE: Final = 410
OPS_TIME: Final = timedelta(days=1)


@dataclass(frozen=True)
class Parcel:
    """What is sent in one attempt."""

    url: str
    headers: dict[str, str]
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
        d = webhooks.next_delivery(tx, queue.endpoint_id, queue.subject)
        now = tx.now
    if d is None:
        return False, None
    answer = send(_parcel(d, now))
    return True, _record(engine, queue, d, answer, now)


def _parcel(d: Any, now: datetime) -> Parcel:
    body = json.dumps(cloud_event(d), separators=(",", ":"), ensure_ascii=False).encode()
    keys = [bytes(d["secret"])]
    if d["former_until"] is not None and now < d["former_until"]:
        keys.append(bytes(d["former_secret"]))
    headers = {"content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "arflow-webhooks"}
    return Parcel(d["url"], headers | signature_headers(d["id"], now, body, keys), body)


def _record(engine: Engine, queue: WebhookQueue, d: Any, answer: Answer, sent_at: datetime) -> timedelta | None:
    with transaction(engine, queue.org_id) as tx:
        current = webhooks.delivery(tx, d["delivery_id"], lock=True)
        if current["status"] != "PENDING":  # cancelled meanwhile
            return None
        attempts = current["attempts"] + 1
        code = None if answer.accepted else answer.error_code or "HTTP_STATUS"
        fields: dict[str, Any] = {
            "attempts": attempts, "last_attempt_at": sent_at, "response_status": answer.status, "error_code": code,
            "next_attempt_at": None,
        }  # fmt: skip
        wait = None
        if answer.accepted:
            fields |= {"status": "DELIVERED", "delivered_at": tx.now}
        elif answer.status == GONE or (wait := retry_after(attempts)) is None:
            fields |= {"status": "FAILED"}
        else:
            fields |= {"next_attempt_at": tx.now + wait}
        webhooks.mark(tx, d["delivery_id"], fields)
        if fields.get("status") == "FAILED":
            _give_up(tx, queue, d["delivery_id"], answer)
        return wait


def _give_up(tx: Tx, queue: WebhookQueue, delivery_id: str, answer: Answer) -> None:
    """Onto the desk of ops. Where the receiver says that it is gone (410), nothing more is sent there."""
    work = bootstrap_work(tx, "system")
    reason = "ENDPOINT_GONE" if answer.status == GONE else "DELIVERY_FAILED"
    detail = {"delivery_id": delivery_id, "response_status": answer.status, "error_code": answer.error_code}
    work.open_exception("webhook_delivery", reason, queue.endpoint_id, owner_role="ops", due_in=OPS_TIME, detail=detail)
    if answer.status == GONE:
        webhooks.change_endpoint(tx, queue.endpoint_id, {"status": "disabled"})
        webhooks.cancel_pending(tx, queue.endpoint_id)
        work.audit(queue.endpoint_id, "webhook_endpoint.disabled", detail, reason_code=reason)
    work.audit(queue.endpoint_id, "webhook_delivery.failed", detail, reason_code=reason)
    work.flush()
