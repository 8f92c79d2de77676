"""The audit trail and the feed of events, read through the API."""

import hashlib
from datetime import timedelta

import pytest

from models.db.engine import lent
from models.db.outbox import publish, try_lead
from models.errors import Refusal
from tests.books import Books
from tests.catalogue import assert_as_catalogued


def worked(books: Books) -> tuple[str, str, str]:
    customer = books.customer()
    # A worker of other tests may be at work on the same database: its confirmations would stand in these trails.
    books.do("change_settings", books.org, {"remittance_confirmation": "off"})
    invoice = books.invoice(customer, 1000, "2026-01-05")
    payment = books.pay(customer, 1000, "2026-01-15")
    applied = books.apply(payment, (invoice, 1000))
    books.unapply(applied["applications"][0]["id"], "2026-01-16")
    return customer, invoice, payment


def test_the_chain_of_a_payment_tells_who_did_what_when_and_why(books: Books) -> None:
    _, invoice, payment = worked(books)
    chain = books.get("/v1/audit-events", subject_id=payment)["items"]
    assert [(e["seq"], e["action"], e["reason_code"], e["actor"]) for e in chain] == [
        (1, "payment.received", None, "u_clerk"), (2, "payment.applied", None, "u_clerk"),
        (3, "payment.unapplied", "WRONG_MATCH", "u_clerk"),
    ]  # fmt: skip
    assert [e["prev_hash"] for e in chain] == ["", chain[0]["hash"], chain[1]["hash"]]
    assert all(len(e["hash"]) == len(e["digest"]) == 2 * hashlib.sha256().digest_size for e in chain)
    assert chain[0]["after"]["amount_minor"] == 1000
    open_, full = {"status": "UNAPPLIED", "applied_minor": 0}, {"status": "FULLY_APPLIED", "applied_minor": 1000}
    assert [(e["before"], e["after"]) for e in chain[1:]] == [(open_, full), (full, open_)]
    assert chain[0]["request_id"].startswith("req_")
    (of_invoice,) = [
        e
        for e in books.get("/v1/audit-events", subject_id=invoice)["items"]
        if e["action"] == "invoice.payment_applied"
    ]
    assert (of_invoice["before"], of_invoice["after"]) == ({"balance_due_minor": 1000}, {"balance_due_minor": 0})


def test_a_refused_request_is_in_the_trail(books: Books) -> None:
    payment = books.pay(books.customer(), 1000, "2026-01-15")
    with pytest.raises(Refusal):
        books.apply(payment, (books.invoice(books.customer(), 5, "2026-01-05"), 5))
    last = books.get("/v1/audit-events", subject_id=payment)["items"][-1]
    assert (last["action"], last["reason_code"]) == ("apply_payment.refused", "INVOICE_CUSTOMER_MISMATCH")


def test_the_trail_is_filtered_and_paged(books: Books) -> None:
    begun = books.moment()
    worked(books)
    everything = books.get("/v1/audit-events", limit=200)["items"]
    paged, cursor = [], None
    for _ in range(50):
        page = books.get("/v1/audit-events", limit=2, cursor=cursor)
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == everything
    assert {e["actor"] for e in books.get("/v1/audit-events", actor="u_clerk")["items"]} == {"u_clerk"}
    assert books.get("/v1/audit-events", actor="u_nobody")["items"] == []
    assert books.get("/v1/audit-events", to=begun.isoformat())["items"] == everything[:1]
    assert books.get("/v1/audit-events", **{"from": (books.moment() + timedelta(1)).date()})["items"] == []
    assert books.get("/v1/audit-events", **{"from": begun.date(), "to": begun.date() + timedelta(1)})["items"]


def test_only_controllers_cfo_and_auditors_read_the_trail_and_only_their_entities(books: Books) -> None:
    _, _, payment = worked(books)
    for role in ("ar_clerk", "ar_manager", "account_executive", "ops", "bank_feed"):
        assert books.api(role).get("/v1/audit-events").status_code == 403
    for role in ("controller", "cfo", "auditor"):
        assert books.api(role).get("/v1/audit-events").status_code == 200
    narrow = books.api("auditor", entities=("le_uk",))
    assert narrow.get("/v1/audit-events").json()["items"] == []
    assert narrow.get(f"/v1/audit-events?subject_id={payment}").json()["items"] == []
    assert len(books.api("auditor", entities=("le_us",)).get("/v1/audit-events").json()["items"]) == 7


def test_events_are_cloud_events_in_the_order_of_publication(fresh_database_url: str) -> None:
    books = Books(fresh_database_url)
    customer, invoice, payment = worked(books)
    assert books.get("/v1/events")["items"] == []  # nothing is published before the relay has seen it
    relay(books)
    feed = books.get("/v1/events")
    assert [(e["type"], e["subject"]) for e in feed["items"]] == [
        ("customer.created", customer), ("invoice.created", invoice), ("ar.payment.received", payment),
        ("ar.payment.applied", payment), ("ar.payment.unapplied", payment),
    ]  # fmt: skip
    first = feed["items"][2]
    assert first["specversion"] == "1.0"
    assert first["source"] == f"/organisations/{books.org}"
    assert first["time"].endswith("Z")
    assert first["data"]["amount_minor"] == 1000
    assert feed["next_cursor"] is None
    books.pay(customer, 5, "2026-01-15")
    books.void(gone := books.invoice(customer, 7, "2026-01-15"))
    relay(books)
    later = books.get("/v1/events", cursor=feed["resume_cursor"])["items"]
    assert [(e["type"], e["subject"]) for e in later[1:]] == [("invoice.created", gone), ("invoice.voided", gone)]
    assert later[0]["type"] == "ar.payment.received"
    assert_as_catalogued(later)
    assert books.get("/v1/events", type="ar.payment.applied")["items"] == [feed["items"][3]]
    one = books.get("/v1/events", limit=1)
    assert books.get("/v1/events", limit=1, cursor=one["next_cursor"])["items"] == [feed["items"][1]]
    assert books.api("ar_clerk").get("/v1/events").status_code == 403
    assert books.api("ops").get("/v1/events").status_code == 200
    assert books.api("ops", entities=("le_uk",)).get("/v1/events").json()["items"] == []
    other = Books(fresh_database_url)
    assert other.get("/v1/events")["items"] == []
    other.close()
    books.close()


def relay(books: Books) -> None:
    with lent(books.engine) as connection:
        assert try_lead(connection)
        publish(connection)
        connection.rows("SELECT pg_advisory_unlock_all()")
