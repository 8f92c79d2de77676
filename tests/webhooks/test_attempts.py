"""Attempt after attempt, without a process or a socket: what is sent, what is kept of it, and what becomes of the endpoint."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

from models.db import webhooks
from models.db.engine import lent, transaction
from models.db.outbox import fan_out, publish
from models.ids import new_id
from models.messages.webhooks import WebhookQueue
from models.webhooks.signing import RETRIES
from operations.webhook_deliveries import Answer, Parcel, attempt
from tests.books import Books
from tests.webhooks.receiver import Got

TAKEN, REFUSED, GONE = Answer(204), Answer(500), Answer(410)


class Sending:
    """Endpoints of an organisation, what waits for them, and what was sent to them."""

    def __init__(self, books: Books) -> None:
        self.books, self.sent = books, list[Parcel]()

    def endpoint(self, *types: str, **more: Any) -> dict[str, Any]:
        body = {"url": "https://hooks.example/ar", "event_types": list(types), **more}
        return self.books.do("webhook_endpoint.create", self.books.org, body)

    def change(self, endpoint: str, what: str, **body: Any) -> dict[str, Any]:
        return self.books.do(f"webhook_endpoint.{what}", endpoint, body)

    def paid(self, *amounts: int) -> str:
        """The customer of some payments."""
        customer = self.books.customer()
        for amount in amounts:
            self.books.pay(customer, amount, "2026-01-05")
        return customer

    def queues(self) -> list[WebhookQueue]:
        """What is waiting, once everything is published."""
        with lent(self.books.engine) as conn:
            while publish(conn):
                pass
            return [q for q in fan_out(conn, 0, 2**62) if q.org_id == self.books.org]

    def queue(self) -> WebhookQueue:
        (one,) = self.queues()
        return one

    def send(self, queue: WebhookQueue, answer: Answer) -> tuple[bool, timedelta | None]:
        def sent(parcel: Parcel) -> Answer:
            self.sent.append(parcel)
            return answer

        return attempt(self.books.engine, queue, sent)

    def deliveries(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.books.get("/v1/webhook-deliveries", "ops", **query)["items"]
        return found

    def delivery(self) -> dict[str, Any]:
        (one,) = self.deliveries()
        return one

    def trail(self, endpoint: str) -> list[tuple[str, str, str | None]]:
        """What was done to it, by whom and why."""
        events = self.books.get("/v1/audit-events", subject_id=endpoint)["items"]
        return [(e["action"], e["actor"], e["reason_code"]) for e in events]

    def said(self, action: str) -> dict[str, Any]:
        """What the trail says of the only such action."""
        (kept,) = self.books.sql(
            "SELECT payload FROM audit_events WHERE org_id = :org AND action = %(action)s", action=action
        )
        found: dict[str, Any] = json.loads(kept["payload"])
        return found

    def open_exceptions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.books.get("/v1/exceptions", "ops", status="open")["items"]
        return found


@pytest.fixture
def sending(books: Books) -> Sending:
    return Sending(books)


def test_what_is_sent_is_the_event_of_the_feed_signed_and_then_nothing_waits(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue, before = sending.queue(), sending.books.moment()
    assert sending.send(queue, TAKEN) == (True, None)
    (parcel,) = sending.sent
    got = Got(parcel.url, dict(parcel.headers), parcel.body, 204)
    assert (got.path, got.signed_with(made["secret"])) == ("https://hooks.example/ar", True)
    assert parcel.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    (event,) = sending.books.get("/v1/events", "ops", type="ar.payment.received")["items"]
    assert (got.event, parcel.headers["webhook-id"]) == (event, event["id"])
    kept = sending.delivery()
    assert (kept["status"], kept["attempts"], kept["response_status"]) == ("DELIVERED", 1, 204)
    assert (kept["error_code"], kept["next_attempt_at"]) == (None, None)
    assert before.isoformat() < kept["last_attempt_at"] <= kept["delivered_at"]
    assert sending.send(queue, TAKEN) == (False, None)
    assert len(sending.sent) == 1


@pytest.mark.parametrize("status", [200, 299])
def test_any_status_of_success_is_taken(sending: Sending, status: int) -> None:
    sending.endpoint("ar.payment.received")
    sending.paid(1000)
    assert sending.send(sending.queue(), Answer(status)) == (True, None)
    assert sending.delivery()["status"] == "DELIVERED"


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Answer(199), "HTTP_STATUS"), (Answer(300), "HTTP_STATUS"), (Answer(None, "TIMEOUT"), "TIMEOUT")],
)
def test_what_is_not_taken_is_sent_again_after_longer_and_longer(sending: Sending, answer: Answer, why: str) -> None:
    sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue = sending.queue()
    assert sending.send(queue, answer) == (True, RETRIES[0])
    assert sending.send(queue, answer) == (True, RETRIES[1])
    kept, now = sending.delivery(), sending.books.moment()
    assert (kept["status"], kept["attempts"], kept["response_status"]) == ("PENDING", 2, answer.status)
    assert (kept["error_code"], kept["delivered_at"]) == (why, None)
    assert now.isoformat() < kept["next_attempt_at"] <= (now + RETRIES[1]).isoformat()
    assert sending.open_exceptions() == []
    sending.send(queue, TAKEN)
    assert (sending.delivery()["error_code"], sending.delivery()["status"]) == (None, "DELIVERED")
    assert len({p.headers["webhook-id"] for p in sending.sent}) == 1


def test_after_the_last_attempt_it_lies_on_the_desk_of_ops_and_the_endpoint_goes_on(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue = sending.queue()
    sending.books.sql("UPDATE webhook_deliveries SET attempts = %(n)s WHERE org_id = :org", n=len(RETRIES))
    assert sending.send(queue, REFUSED) == (True, None)
    kept = sending.delivery()
    assert (kept["status"], kept["attempts"], kept["next_attempt_at"]) == ("FAILED", len(RETRIES) + 1, None)
    (found,) = sending.open_exceptions()
    assert (found["kind"], found["reason_code"], found["owner_role"]) == ("webhook_delivery", "DELIVERY_FAILED", "ops")
    assert (found["subject_id"], found["detail"]) == (
        made["id"],
        {"delivery_id": kept["id"], "response_status": 500, "error_code": None},
    )
    opened = sending.books.moment() - (datetime.fromisoformat(found["due_at"]) - timedelta(days=1))
    assert timedelta(0) < opened < timedelta(minutes=5)
    assert sending.books.get(f"/v1/webhook-endpoints/{made['id']}", "ops")["status"] == "enabled"
    assert sending.trail(made["id"])[1:] == [("webhook_delivery.failed", "system", "DELIVERY_FAILED")]


def test_where_the_receiver_is_gone_nothing_more_is_sent(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000, 2000)
    first, _ = sending.queues()
    assert sending.send(first, GONE) == (True, None)
    assert sorted(d["status"] for d in sending.deliveries()) == ["CANCELLED", "FAILED"]
    assert sending.books.get(f"/v1/webhook-endpoints/{made['id']}", "ops")["status"] == "disabled"
    (found,) = sending.open_exceptions()
    (failed,) = sending.deliveries(status="FAILED")
    detail = {"delivery_id": failed["id"], "response_status": 410, "error_code": None}
    assert (found["reason_code"], found["detail"]) == ("ENDPOINT_GONE", detail)
    assert [sending.said(a) for a in ("webhook_endpoint.disabled", "webhook_delivery.failed")] == [detail] * 2
    assert sending.trail(made["id"])[1:] == [
        ("webhook_endpoint.disabled", "system", "ENDPOINT_GONE"),
        ("webhook_delivery.failed", "system", "ENDPOINT_GONE"),
    ]


def test_what_was_cancelled_while_it_was_on_its_way_stays_so(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)

    def disabling(parcel: Parcel) -> Answer:
        sending.change(made["id"], "update", status="disabled")
        return REFUSED

    assert attempt(sending.books.engine, sending.queue(), disabling) == (True, None)
    assert (sending.delivery()["status"], sending.delivery()["attempts"]) == ("CANCELLED", 0)


def test_an_answer_that_comes_while_it_is_being_cancelled_finds_it_cancelled(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue, books = sending.queue(), sending.books
    sent, answer = Event(), Event()

    def slowly(parcel: Parcel) -> Answer:
        sent.set()
        answer.wait(20)
        return TAKEN

    with ThreadPoolExecutor(1) as other:
        trying = other.submit(attempt, books.engine, queue, slowly)
        sent.wait(20)
        with transaction(books.engine, books.org) as tx:
            webhooks.cancel_pending(tx, made["id"])
            answer.set()
            books.wait_for_locks(1)
        assert trying.result(20) == (True, None)
    assert (sending.delivery()["status"], sending.delivery()["attempts"]) == ("CANCELLED", 0)


def test_a_former_secret_signs_beside_the_new_one_for_a_day(sending: Sending) -> None:
    first = sending.endpoint("ar.payment.received")
    before = sending.books.moment()
    turned = sending.change(first["id"], "rotate_secret")
    until = datetime.fromisoformat(turned["former_until"]) - timedelta(days=1)
    assert before < until < sending.books.moment()
    sending.paid(1000)
    queue = sending.queue()
    sending.send(queue, REFUSED)
    sending.books.sql("UPDATE webhook_endpoints SET former_until = now() WHERE org_id = :org")
    sending.send(queue, REFUSED)
    signed = [
        [Got("", dict(p.headers), p.body, 0).signed_with(secret) for secret in (first["secret"], turned["secret"])]
        for p in sending.sent
    ]
    assert signed == [[True, True], [False, True]]


def test_a_delivery_that_is_replayed_begins_afresh(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue = sending.queue()
    sending.send(queue, REFUSED)
    kept = sending.delivery()
    answer = sending.books.do("webhook_delivery.replay", kept["id"], {})
    assert (answer["id"], answer["status"], answer["attempts"], answer["replays"]) == (kept["id"], "PENDING", 0, 1)
    assert sending.send(queue, REFUSED) == (True, RETRIES[0])
    told = sending.said("webhook_delivery.replayed")
    assert told == {"delivery_id": kept["id"], "event_id": kept["event_id"]}
    sending.change(made["id"], "update", status="disabled")
    refused = sending.books.api("ops").post(
        f"/v1/webhook-deliveries/{kept['id']}/replay", headers={"Idempotency-Key": new_id("key")}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "WEBHOOK_ENDPOINT_DISABLED")
    assert made["id"] in refused.json()["detail"]
