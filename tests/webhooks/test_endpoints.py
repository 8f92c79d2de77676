"""Endpoints changed: what each change leaves as it was, what waits for them, and what the trail says, never a secret."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from models.db import webhooks
from models.db.engine import transaction
from tests.books import Books
from tests.webhooks.test_attempts import TAKEN, Sending


@pytest.fixture
def sending(books: Books) -> Sending:
    return Sending(books)


AS_MADE = {
    "url": "https://hooks.example/ar", "event_types": ["ar.payment.received"], "description": "Warehouse",
    "status": "enabled",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://hooks.example/other"},
        {"event_types": ["customer.created"]},
        {"description": None},
        {"status": "disabled"},
    ],
)
def test_a_change_is_of_what_was_sent_alone_and_is_told_in_the_trail(sending: Sending, change: dict[str, Any]) -> None:
    made = sending.endpoint("ar.payment.received", description="Warehouse")
    answer = sending.change(made["id"], "update", **change)
    assert answer == {k: v for k, v in (made | change).items() if k != "secret"}
    assert sending.books.get(f"/v1/webhook-endpoints/{made['id']}", "ops") == answer
    assert sending.said("webhook_endpoint.created") == {"after": AS_MADE}
    assert sending.said("webhook_endpoint.updated") == {"before": AS_MADE, "after": AS_MADE | change}


def test_a_change_to_what_it_is_already_is_none(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received", description="Warehouse")
    sending.change(made["id"], "update", url=made["url"], status="enabled", description="Warehouse")
    assert [action for action, _, _ in sending.trail(made["id"])] == ["webhook_endpoint.created"]


def test_of_two_changes_at_once_the_second_keeps_the_first(sending: Sending) -> None:
    made, books = sending.endpoint("ar.payment.received", description="Warehouse"), sending.books
    with ThreadPoolExecutor(1) as other:
        with transaction(books.engine, books.org) as tx:
            now = webhooks.get_endpoint(tx, made["id"], lock=True)
            changing = other.submit(sending.change, made["id"], "update", url="https://hooks.example/other")
            books.wait_for_locks(1)
            webhooks.save_endpoint(tx, replace(now, description="Office"))
        answer = changing.result(20)
    assert (answer["url"], answer["description"]) == ("https://hooks.example/other", "Office")


def test_enabled_again_it_is_sent_what_happens_from_then_on(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    sending.queues()
    sending.change(made["id"], "update", status="disabled")
    assert [d["status"] for d in sending.deliveries()] == ["CANCELLED"]
    sending.paid(2000)
    assert sending.queues() == []
    sending.change(made["id"], "update", status="enabled")
    assert sending.queues() == []
    sending.paid(3000)
    sending.send(sending.queue(), TAKEN)
    assert [d["status"] for d in sending.deliveries()] == ["DELIVERED", "CANCELLED"]


def test_another_address_leaves_what_waits_and_where_it_began(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    sending.paid(1000)
    queue = sending.queue()
    sending.change(made["id"], "update", url="https://hooks.example/other", status="enabled")
    assert sending.send(queue, TAKEN) == (True, None)
    assert [p.url for p in sending.sent] == ["https://hooks.example/other"]


def test_deleted_it_is_sent_nothing_and_keeps_no_secret(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received", description="Warehouse")
    sending.change(made["id"], "rotate_secret")
    sending.paid(1000)
    sending.queues()
    assert sending.change(made["id"], "delete") == {"id": made["id"], "status": "deleted"}
    assert [d["status"] for d in sending.deliveries()] == ["CANCELLED"]
    assert sending.said("webhook_endpoint.deleted") == {"before": AS_MADE}
    kept = "SELECT status, secret, former_secret, former_until FROM webhook_endpoints WHERE org_id = :org"
    assert sending.books.sql(kept) == [
        {"status": "deleted", "secret": b"", "former_secret": None, "former_until": None}
    ]


def test_who_made_it_is_kept_and_the_command_keeps_no_secret(sending: Sending) -> None:
    made = sending.endpoint("ar.payment.received")
    turned = sending.change(made["id"], "rotate_secret")
    assert (made["id"][:5], made["created_by"]) == ("whep_", sending.books.who.sub)
    assert made["secret"] != turned["secret"]
    assert sending.said("webhook_endpoint.secret_rotated") == {"former_until": turned["former_until"]}
    sql = "SELECT http_status, response FROM commands WHERE org_id = :org AND operation LIKE 'webhook_endpoint.%%'"
    assert [(row["http_status"], row["response"]) for row in sending.books.sql(sql + " ORDER BY id")] == [
        (201, made | {"secret": None}),
        (200, turned | {"secret": None}),
    ]
