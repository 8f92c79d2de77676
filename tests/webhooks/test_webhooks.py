"""Events sent to whoever asked for them: signed, in order per record, again until taken, visible, replayable."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2
import pytest

from models.ids import new_id
from tests.api.office import Office, code, ok
from tests.customers.test_deletion import places
from tests.webhooks.receiver import Receiver

PAYMENTS = ["ar.payment.received", "ar.payment.applied"]


def endpoint(o: Office, url: str, types: list[str] | None = None) -> dict[str, Any]:
    return ok(o.ops.post("/v1/webhook-endpoints", json={"url": url, "event_types": types or []}), 201)


def deliveries(o: Office, **query: Any) -> list[dict[str, Any]]:
    return ok(o.ops.get("/v1/webhook-deliveries", params=query))["items"]


def settled(wait_until: Callable[..., Any], o: Office, count: int, **query: Any) -> list[dict[str, Any]]:
    """So many deliveries, none of them waiting any more."""

    def found() -> list[dict[str, Any]]:
        all_of_them = deliveries(o, **query)
        done = len(all_of_them) == count and all(d["status"] != "PENDING" for d in all_of_them)
        return all_of_them if done else []

    return wait_until(found)


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    def wait(ready: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := ready()):
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.1)
        return found

    return wait


def test_events_about_a_record_arrive_signed_and_in_order_though_the_first_attempt_fails(
    office: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    made = endpoint(office, there.url, PAYMENTS)
    there.answers = [500]
    customer = office.customer()
    payment = office.payment(customer, 1000)
    ok(office.apply(payment, [(office.invoice(customer, 1000), 1000)]))
    got = there.wait(3)
    assert [(g.event["type"], g.status) for g in got] == [
        ("ar.payment.received", 500),
        ("ar.payment.received", 204),
        ("ar.payment.applied", 204),
    ]
    assert all(g.signed_with(made["secret"]) for g in got)
    assert not got[0].signed_with("whsec_" + "A" * 44)
    assert got[0].path == "/hook?of=arflow"
    assert got[0].headers["webhook-id"] == got[1].headers["webhook-id"] == got[0].event["id"]
    assert got[0].headers["webhook-id"] != got[2].headers["webhook-id"]
    feed = ok(office.ops.get("/v1/events", params={"subject": payment["id"]}))["items"]
    assert [g.event for g in got[1:]] == feed, "a webhook says what the feed says"
    applied, received = settled(wait_until, office, 2, subject=payment["id"])
    assert (received["status"], received["attempts"], received["response_status"]) == ("DELIVERED", 2, 204)
    assert (applied["status"], applied["attempts"]) == ("DELIVERED", 1)
    assert received["url"] == there.url


def test_only_the_types_asked_for_and_only_what_happens_afterwards(
    office: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    before = office.payment(office.customer(), 500)
    made = endpoint(office, there.url, ["ar.payment.reversed"])
    ok(office.reverse(before))
    later = office.payment(office.customer(), 500)
    ok(office.reverse(later))
    assert {g.event["subject"] for g in there.wait(2)} == {before["id"], later["id"]}
    settled(wait_until, office, 2, endpoint_id=made["id"])
    assert {g.event["type"] for g in there.got} == {"ar.payment.reversed"}


def test_a_delivery_is_replayed_under_its_id_and_one_that_waits_is_tried_at_once(
    office: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    made = endpoint(office, there.url, ["ar.payment.received"])
    there.answers = [503, 503]  # the second wait would be five minutes
    payment = office.payment(office.customer(), 700)
    there.wait(2)
    waiting = wait_until(lambda: [d for d in deliveries(office, subject=payment["id"]) if d["attempts"] == 2])[0]
    assert (waiting["status"], waiting["response_status"], waiting["error_code"]) == ("PENDING", 503, "HTTP_STATUS")
    assert waiting["next_attempt_at"] > waiting["last_attempt_at"]
    first = office.ops.post(f"/v1/webhook-deliveries/{waiting['id']}/replay", headers={"Idempotency-Key": "again"})
    assert ok(first)["replays"] == 1
    there.wait(3)
    (done,) = settled(wait_until, office, 1, endpoint_id=made["id"])
    ok(office.ops.post(f"/v1/webhook-deliveries/{done['id']}/replay"))
    got = there.wait(4)
    assert len({g.headers["webhook-id"] for g in got}) == 1
    assert len({g.body for g in got}) == 1
    assert ok(office.ops.get(f"/v1/webhook-deliveries/{done['id']}"))["replays"] == 2
    said = [e["action"] for e in office.audit(made["id"])]
    assert said == ["webhook_endpoint.created", *["webhook_delivery.replayed"] * 2]


def test_an_endpoint_that_is_gone_is_disabled_and_lies_on_the_desk_of_ops(
    office: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    made = endpoint(office, there.url, ["ar.payment.received"])
    there.answers = [410]
    office.payment(office.customer(), 900)
    (failed,) = settled(wait_until, office, 1, endpoint_id=made["id"])
    assert (failed["status"], failed["response_status"]) == ("FAILED", 410)
    assert ok(office.ops.get(f"/v1/webhook-endpoints/{made['id']}"))["status"] == "disabled"
    desk = ok(office.ops.get("/v1/exceptions", params={"subject_id": made["id"], "status": "open"}))["items"]
    assert [(e["kind"], e["reason_code"], e["owner_role"]) for e in desk] == [
        ("webhook_delivery", "ENDPOINT_GONE", "ops")
    ]
    replay = f"/v1/webhook-deliveries/{failed['id']}/replay"
    assert code(office.ops.post(replay)) == (409, "WEBHOOK_ENDPOINT_DISABLED")
    missed = office.payment(office.customer(), 901)
    assert ok(office.ops.get("/v1/events", params={"subject": missed["id"]}))["items"], "published while disabled"
    ok(office.ops.patch(f"/v1/webhook-endpoints/{made['id']}", json={"status": "enabled"}))
    ok(office.ops.post(replay))
    there.wait(2)
    settled(wait_until, office, 1, endpoint_id=made["id"])


def test_a_redirect_is_not_followed_and_after_a_rotation_both_secrets_sign(
    office: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    made = endpoint(office, there.url, ["ar.payment.received"])
    there.usually = 302
    first = office.payment(office.customer(), 300)
    there.wait(1)
    wait_until(lambda: deliveries(office, subject=first["id"])[0]["response_status"] == 302)
    assert there.elsewhere == []
    turned = ok(office.ops.post(f"/v1/webhook-endpoints/{made['id']}/rotate-secret"))
    assert turned["secret"] != made["secret"]
    there.usually = 204
    ok(office.ops.post(f"/v1/webhook-deliveries/{deliveries(office, subject=first['id'])[0]['id']}/replay"))
    (got, *_) = wait_until(lambda: [g for g in there.got if g.signed_with(turned["secret"])])
    assert got.signed_with(made["secret"])


def test_endpoints_are_listed_changed_and_deleted_and_never_show_their_secret_again(
    office: Office, there: Receiver
) -> None:
    r = office.controller.post(
        "/v1/webhook-endpoints", json={"url": there.url, "event_types": ["*"], "description": "Warehouse"},
        headers={"Idempotency-Key": "warehouse"},
    )  # fmt: skip
    made = ok(r, 201)
    again = office.controller.post(
        "/v1/webhook-endpoints", json={"url": there.url, "event_types": ["*"], "description": "Warehouse"},
        headers={"Idempotency-Key": "warehouse"},
    )  # fmt: skip
    assert ok(again, 201) == made
    assert again.headers["Idempotent-Replayed"] == "true"
    seen = ok(office.auditor.get(f"/v1/webhook-endpoints/{made['id']}"))
    assert seen == {k: v for k, v in made.items() if k != "secret"}
    assert seen in ok(office.auditor.get("/v1/webhook-endpoints", params={"limit": 200}))["items"]
    changed = ok(office.cfo.patch(f"/v1/webhook-endpoints/{made['id']}", json={"event_types": ["customer.created"]}))
    assert changed["event_types"] == ["customer.created"]
    assert ok(office.ops.delete(f"/v1/webhook-endpoints/{made['id']}"))["status"] == "deleted"
    assert code(office.ops.get(f"/v1/webhook-endpoints/{made['id']}")) == (404, "WEBHOOK_ENDPOINT_NOT_FOUND")
    told = [e["action"].removeprefix("webhook_endpoint.") for e in office.audit(made["id"])]
    assert told == ["created", "updated", "deleted"]
    assert "secret" not in str(office.audit(made["id"]))


@pytest.mark.parametrize("who", ["clerk", "manager", "ae", "feed"])
def test_webhooks_are_for_controllers_cfos_and_ops(office: Office, there: Receiver, who: str) -> None:
    person: httpx2.Client = getattr(office, who)
    assert code(person.post("/v1/webhook-endpoints", json={"url": there.url})) == (403, "FORBIDDEN")
    assert code(person.get("/v1/webhook-endpoints")) == (403, "FORBIDDEN")
    assert code(person.get("/v1/webhook-deliveries")) == (403, "FORBIDDEN")


def test_a_token_limited_to_legal_entities_and_another_organisation_are_kept_out(
    office: Office, other: Office, there: Receiver, wait_until: Callable[..., Any]
) -> None:
    limited = office.client("ops", "ops", entities=("le_us",))
    assert code(limited.post("/v1/webhook-endpoints", json={"url": there.url})) == (403, "FORBIDDEN")
    assert code(limited.get("/v1/webhook-deliveries")) == (403, "FORBIDDEN")
    made = endpoint(other, there.url, ["ar.payment.received"])
    for path in ("", "/rotate-secret"):
        r = (office.ops.post if path else office.ops.get)(f"/v1/webhook-endpoints/{made['id']}{path}")
        assert code(r) == (403, "ORG_CONTEXT_MISMATCH")
    other.payment(other.customer(), 100)
    (theirs,) = settled(wait_until, other, 1, endpoint_id=made["id"])
    assert code(office.ops.get(f"/v1/webhook-deliveries/{theirs['id']}")) == (403, "ORG_CONTEXT_MISMATCH")
    assert theirs["id"] not in [d["id"] for d in deliveries(office, limit=200)]


@pytest.mark.parametrize(
    ("body", "loc", "why"),
    [
        ({}, "/url", "FIELD_REQUIRED"),
        ({"url": "ftp://example.com"}, "/url", "URL_INVALID"),
        ({"url": "https://"}, "/url", "URL_INVALID"),
        ({"url": "https://user:password@example.com/"}, "/url", "URL_INVALID"),
        ({"url": "https://example.com/a\r\nX-Injected: 1"}, "/url", "URL_INVALID"),
        ({"url": "https://example.com/a b"}, "/url", "URL_INVALID"),
        ({"url": "https://example.com/" + "x" * 2000}, "/url", "FIELD_LENGTH"),
        ({"url": "https://example.com", "event_types": ["ar.payment.lost"]}, "/event_types", "EVENT_TYPE_UNKNOWN"),
        ({"url": "https://example.com", "secret": "mine"}, "/secret", "FIELD_UNKNOWN"),
    ],
)
def test_what_is_no_endpoint_is_refused(office: Office, body: dict[str, Any], loc: str, why: str) -> None:
    r = office.ops.post("/v1/webhook-endpoints", json=body)
    assert code(r) == (422, "VALIDATION_FAILED")
    assert (r.json()["errors"][0]["loc"], r.json()["errors"][0]["code"]) == (loc, why)


def test_receivers_of_one_organisation_that_drip_hold_up_nobody_elses_events(
    office: Office, other: Office, there: Receiver
) -> None:
    """More records than a worker has places, each sent where every answer drips for as long as it is listened to."""
    with dripping() as (url, connected):
        endpoint(office, url, ["ar.payment.received"])
        customer = office.customer()
        for n in range(50):
            office.payment(customer, 100 + n)
        deadline = time.monotonic() + 120
        while len(connected) < 3:
            assert time.monotonic() < deadline, "nothing was sent there"
            time.sleep(0.1)
        endpoint(other, there.url, ["ar.payment.received"])
        mine = other.payment(other.customer(), 100)
        assert [g.event["subject"] for g in there.wait(1)] == [mine["id"]]


@contextmanager
def dripping() -> Iterator[tuple[str, list[float]]]:
    """A server that begins to answer and never comes to the end of the first header."""
    listening, connected = socket.create_server(("127.0.0.1", 0), backlog=128), list[float]()

    def drip(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.sendall(b"HTTP/1.1 200 Fine\r\nx-drip: ")
            while True:
                time.sleep(0.5)
                peer.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listening.accept()
                connected.append(time.monotonic())
                threading.Thread(target=drip, args=(peer,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook", connected
    finally:
        listening.close()


def test_a_secret_is_kept_where_it_signs_and_a_repeated_request_is_told_it_as_long_as_it_is_that_one(
    office: Office, there: Receiver, database_url: str
) -> None:
    def kept(secret: str) -> list[str]:
        return places(database_url, secret)

    body = {"url": there.url, "event_types": []}
    key = {"Idempotency-Key": new_id("key")}
    made = ok(office.ops.post("/v1/webhook-endpoints", json=body, headers=key), 201)
    assert kept(made["secret"]) == []
    again = office.ops.post("/v1/webhook-endpoints", json=body, headers=key)
    assert (ok(again, 201), again.headers["Idempotent-Replayed"]) == (made, "true")
    path = f"/v1/webhook-endpoints/{made['id']}/rotate-secret"
    turned = ok(office.ops.post(path, headers=key))
    assert kept(turned["secret"]) == []
    assert ok(office.ops.post(path, headers=key)) == turned
    assert ok(office.ops.post("/v1/webhook-endpoints", json=body, headers=key), 201) == made | {"secret": None}
    ok(office.ops.post(path))
    assert ok(office.ops.post(path, headers=key)) == turned | {"secret": None}
