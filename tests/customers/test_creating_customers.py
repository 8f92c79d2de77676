"""Customers created through approvals: complete, checked, never twice (docs/api.md, section 4)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.customers.desk import Desk, field_codes, fresh, ok, refused
from tests.customers.everything import EVERYTHING


def test_a_customer_needs_two(desk: Desk):
    response = desk("u_clerk").post("/v1/customers", json=desk.body())
    change = ok(response, 202)
    assert change["status"] == "PENDING_APPROVAL"
    assert change["warnings"] == []
    assert response.headers["X-Workflow-Id"] == change["workflow_id"]
    customer = f"/v1/customers/{change['customer_id']}"
    refused(desk("u_clerk").get(customer), 404, "CUSTOMER_NOT_FOUND")
    first = ok(desk.decide(change, "u_manager"))
    assert first["status"] == "PENDING_APPROVAL"
    assert [s["status"] for s in first["steps"]] == ["APPROVED", "PENDING"]
    refused(desk("u_clerk").get(customer), 404, "CUSTOMER_NOT_FOUND")
    second = desk.decide(change, "u_controller")
    assert ok(second)["status"] == "APPROVED"
    assert second.headers["X-Workflow-Id"] == change["workflow_id"]
    assert ok(desk("u_clerk").get(customer))["status"] == "active"


def test_everything_in_one_operation_comes_out_as_it_went_in(desk: Desk):
    change = desk.submit(**EVERYTHING, tax_id="US 12-3456789", external_id=fresh())
    seen = desk.change(change)
    assert (seen["operation"], seen["lane"], seen["submitted_by"]) == ("create", "yellow", "u_clerk")
    assert [(s["step"], s["role"]) for s in seen["steps"]] == [(1, "ar_manager"), (2, "controller")]
    assert {"path": "/credit_limit", "before": None, "after": "100000"} in seen["diff"]
    desk.approve(change)
    record = desk.read(change["customer_id"])
    for field in (
        "phone",
        "website",
        "billing_email",
        "notes",
        "customer_type",
        "payment_terms",
        "tax_code",
        "metadata",
    ):
        assert record[field] == EVERYTHING[field], field
    assert record["credit_limit"] == "100000"
    assert record["version"] == 1
    assert [a["type"] for a in record["addresses"]] == ["billing", "shipping"]
    assert [t["price"] for t in record["pricing_tiers"]] == ["9.50", "8.25"]
    assert record["entity_overrides"][0]["credit_limit"] == "80000"
    contacts = ok(desk("u_ae").get(f"/v1/customers/{change['customer_id']}/contacts"))["items"]
    assert contacts == record["contacts"]
    assert contacts[0]["id"].startswith("cont_")


def test_bad_fields_are_each_named(desk: Desk):
    clerk = desk("u_clerk")
    assert field_codes(clerk.post("/v1/customers", json={})) == {
        "/name": "FIELD_REQUIRED", "/email": "FIELD_REQUIRED", "/legal_entity_id": "FIELD_REQUIRED"
    }  # fmt: skip
    body = desk.body(
        credit_limit="-1", customer_type="huge", currency_code="XXX", surprise=1, addresses=[{"type": "home"}]
    )
    body["email"] = "a@example.com\r\nBcc: b@example.com"
    found = field_codes(clerk.post("/v1/customers", json=body))
    assert found["/credit_limit"] == "CREDIT_LIMIT_NEGATIVE"
    assert found["/customer_type"] == "CUSTOMER_TYPE_INVALID"
    assert found["/currency_code"] == "CURRENCY_INVALID"
    assert found["/email"] == "EMAIL_INVALID"
    assert found["/surprise"] == "FIELD_UNKNOWN"
    raw = b'{"name": "A", "email": "a@example.com", "legal_entity_id": "le_us", "credit_limit": NaN}'
    refused(
        clerk.post("/v1/customers", content=raw, headers={"Content-Type": "application/json"}), 422, "VALIDATION_FAILED"
    )
    patch = clerk.patch("/v1/customers/cust_x", json={"addresses": [{"action": "add", "city": "x"}]})
    assert "/addresses/0/country" in field_codes(patch)


@pytest.mark.parametrize("limit", ["1000000.01", 2_000_000])
def test_a_large_credit_limit_warns_every_approver(desk: Desk, limit):
    change = desk.submit(credit_limit=limit)
    assert [w["code"] for w in change["warnings"]] == ["CREDIT_LIMIT_LARGE"]
    assert [w["code"] for w in desk.change(change, "u_controller")["warnings"]] == ["CREDIT_LIMIT_LARGE"]
    assert desk.submit(credit_limit="1000000")["warnings"] == []


def test_a_similar_name_warns(own_desk: Desk):
    desk = own_desk
    customer = desk.customer(name="Zenith Widgets Incorporated")
    change = desk.submit(name="ZENITH WIDGETS Inc.")
    assert [w["code"] for w in change["warnings"]] == ["NAME_SIMILAR"]
    assert customer in change["warnings"][0]["detail"]


def test_duplicates_are_refused_against_active_inactive_and_pending(desk: Desk):
    email, tax = fresh("Dup"), f"GB {fresh()[:9].upper()}"
    clerk = desk("u_clerk")
    first = desk.submit(email=email, tax_id=tax)  # pending
    shouted = email.swapcase().replace("EXAMPLE.COM", "example.com")
    refused(clerk.post("/v1/customers", json=desk.body(email=shouted)), 409, "DUPLICATE_EMAIL")
    refused(clerk.post("/v1/customers", json=desk.body(tax_id=tax.lower())), 409, "DUPLICATE_TAX_ID")
    desk.approve(first)  # active
    refused(clerk.post("/v1/customers", json=desk.body(email=shouted)), 409, "DUPLICATE_EMAIL")
    desk.approve(ok(clerk.delete(f"/v1/customers/{first['customer_id']}"), 202))  # inactive
    refused(clerk.post("/v1/customers", json=desk.body(tax_id=tax.replace(" ", ""))), 409, "DUPLICATE_TAX_ID")
    other = desk.customer()
    refused(clerk.patch(f"/v1/customers/{other}", json={"email": email}), 409, "DUPLICATE_EMAIL")
    pending = desk.submit()
    rejected = desk.submit()
    ok(desk.decide(rejected, "u_manager", "reject", reason_code="NOT_OURS"))
    freed = next(d["after"] for d in desk.change(rejected)["diff"] if d["path"] == "/email")
    taken = next(d["after"] for d in desk.change(pending)["diff"] if d["path"] == "/email")
    desk.submit(email=freed)
    refused(clerk.post("/v1/customers", json=desk.body(email=taken)), 409, "DUPLICATE_EMAIL")


def test_of_many_submissions_of_one_address_at_once_one_is_accepted(desk: Desk):
    email = fresh()
    token = desk("u_clerk")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda _: token.post("/v1/customers", json=desk.body(email=email)).status_code, range(8))
        )
    assert sorted(statuses) == [202] + [409] * 7


def test_of_requests_that_race_with_one_external_id_all_but_one_are_replays(desk: Desk):
    clerk = desk("u_clerk")
    for _ in range(6):
        body = desk.body(external_id=fresh())
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda sent: clerk.post("/v1/customers", json=sent), [body] * 8))
        assert {ok(r, 202)["change_id"] for r in told} == {told[0].json()["change_id"]}
        assert sum(r.headers.get("Idempotent-Replayed") == "true" for r in told) == 7


@pytest.mark.parametrize("form", [" {} ", "{}\u00a0", "e\u0301{}"])
def test_an_external_id_as_it_was_sent_finds_its_customer_and_its_change(desk: Desk, form: str):
    sent = form.format(fresh())
    body = desk.body(external_id=sent)
    first = ok(desk("u_clerk").post("/v1/customers", json=body), 202)
    desk.approve(first)
    found = ok(desk("u_clerk").get("/v1/customers", params={"external_id": sent}))["items"]
    assert [(c["id"], c["external_id"]) for c in found] == [(first["customer_id"], sent)]
    again = desk("u_clerk").post("/v1/customers", json=body)
    assert (ok(again, 202)["change_id"], again.headers["Idempotent-Replayed"]) == (first["change_id"], "true")


def test_the_same_key_and_the_same_external_id_answer_the_same_change(desk: Desk):
    clerk, body = desk("u_clerk"), desk.body(external_id=fresh())
    first = clerk.post("/v1/customers", json=body, headers={"Idempotency-Key": "k1" + body["email"]})
    again = clerk.post("/v1/customers", json=body, headers={"Idempotency-Key": "k1" + body["email"]})
    assert ok(again, 202) == ok(first, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = clerk.post("/v1/customers", json=body | {"name": "B"}, headers={"Idempotency-Key": "k1" + body["email"]})
    refused(other, 409, "IDEMPOTENCY_KEY_CONFLICT")
    replay = clerk.post("/v1/customers", json=body)
    assert ok(replay, 202)["change_id"] == first.json()["change_id"]
    assert replay.headers["Idempotent-Replayed"] == "true"
    conflict = refused(clerk.post("/v1/customers", json=body | {"phone": "12345"}), 409, "EXTERNAL_ID_CONFLICT")
    assert conflict["fields"] == ["phone"]
    desk.approve(first.json())
    assert ok(clerk.post("/v1/customers", json=body), 202)["status"] == "APPROVED"
    decision = {"decision": "approve"}
    late = desk("u_controller").post(
        f"/v1/customer-changes/{first.json()['change_id']}/decisions",
        json=decision,
        headers={"Idempotency-Key": "d" + body["email"]},
    )
    assert (ok(late)["status"], late.headers["Idempotent-Replayed"]) == ("APPROVED", "true")
