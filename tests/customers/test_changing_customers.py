"""Customers updated, deactivated, reactivated through approvals; what moves meanwhile is never lost (docs/api.md, section 4)."""

from tests.customers.desk import Desk, field_codes, fresh, ok, refused
from tests.customers.everything import EVERYTHING


def test_a_patch_adds_updates_and_deletes_in_one_operation(desk: Desk):
    customer = desk.customer(**EVERYTHING)
    before = desk.read(customer)
    change = desk.patch(
        customer,
        phone=None,
        credit_limit="120000.50",
        addresses=[{"action": "update", "id": before["addresses"][0]["id"], "city": "Albany"}],
        pricing_tiers=[{"action": "delete", "id": before["pricing_tiers"][1]["id"]}],
        contacts=[{"action": "add", "name": "Bo"}],
        metadata={"only": 1},
    )
    paths = [d["path"] for d in desk.change(change)["diff"]]
    assert "/phone" in paths
    assert f"/addresses/{before['addresses'][0]['id']}/city" in paths
    assert desk.read(customer) == before
    desk.approve(change)
    after = desk.read(customer)
    assert (after["phone"], after["credit_limit"], after["metadata"], after["version"]) == (
        None,
        "120000.50",
        {"only": 1},
        2,
    )
    assert after["addresses"][0]["city"] == "Albany"
    assert after["addresses"][0]["lines"] == before["addresses"][0]["lines"]
    assert after["addresses"][1] == before["addresses"][1]
    assert after["pricing_tiers"] == before["pricing_tiers"][:1]
    assert [c["name"] for c in after["contacts"]] == ["Ann Lee", "Bo"]
    assert after["website"] == before["website"]


def test_a_repeated_decision_with_its_key_answers_the_first_answer(desk: Desk):
    change = desk.submit()
    ok(desk.decide(change, "u_manager"))
    url, key = f"/v1/customer-changes/{change['change_id']}/decisions", {"Idempotency-Key": fresh()}
    first = desk("u_controller").post(url, json={"decision": "approve"}, headers=key)
    again = desk("u_controller").post(url, json={"decision": "approve"}, headers=key)
    assert ok(first)["status"] == "APPROVED"
    assert ok(again) == ok(first)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_if_match_is_honoured(desk: Desk):
    customer = desk.customer()
    clerk, url = desk("u_clerk"), f"/v1/customers/{customer}"
    assert clerk.get(url).headers["ETag"] == '"1"'
    refused(clerk.patch(url, json={"notes": "x"}, headers={"If-Match": '"2"'}), 412, "VERSION_MISMATCH")
    change = ok(clerk.patch(url, json={"notes": "x"}, headers={"If-Match": '"1"'}), 202)
    desk.approve(change)
    refused(clerk.patch(url, json={"notes": "y"}, headers={"If-Match": '"1"'}), 412, "VERSION_MISMATCH")


def test_deactivation_hides_and_reactivation_brings_back(desk: Desk):
    customer = desk.customer()
    clerk = desk("u_clerk")
    change = ok(clerk.delete(f"/v1/customers/{customer}", params={"reason_code": "CLOSED_DOWN"}), 202)
    seen = desk.change(change)
    assert [s["role"] for s in seen["steps"]] == ["manager", "controller"]
    assert (seen["operation"], seen["lane"], seen["reason_code"]) == ("deactivate", "yellow", "CLOSED_DOWN")
    desk.approve(change, "u_plain", "u_controller")
    assert desk.read(customer)["status"] == "inactive"
    active = ok(clerk.get("/v1/customers?status=active&limit=200"))["items"]
    assert customer not in [c["id"] for c in active]
    refused(clerk.delete(f"/v1/customers/{customer}"), 409, "CUSTOMER_INACTIVE")
    invoice = {
        "customer_id": customer,
        "external_id": customer,
        "issue_date": "2026-01-01",
        "currency_code": "USD",
        "total_minor": 1,
    }
    refused(clerk.post("/v1/invoices", json=invoice), 409, "CUSTOMER_INACTIVE")
    payment = {
        "customer_id": customer,
        "payment_date": "2026-01-01",
        "amount_minor": 5,
        "currency_code": "USD",
        "external_id": customer,
    }
    ok(clerk.post("/v1/customer-payments", json=payment), 201)
    change = ok(clerk.post(f"/v1/customers/{customer}/reactivate"), 202)
    assert [s["role"] for s in desk.change(change)["steps"]] == ["ar_manager", "controller"]
    desk.approve(change)
    assert desk.read(customer)["status"] == "active"
    refused(clerk.post(f"/v1/customers/{customer}/reactivate"), 409, "CUSTOMER_ACTIVE")
    warned = ok(clerk.delete(f"/v1/customers/{customer}"), 202)
    assert [w["code"] for w in warned["warnings"]] == ["OPEN_BALANCE", "REASON_MISSING"]


def test_a_change_under_which_the_record_moved_fails_and_is_rebased(desk: Desk):
    customer = desk.customer(credit_limit=10)
    one, two = desk.patch(customer, credit_limit=20), desk.patch(customer, credit_limit=30, notes="n")
    apart = desk.patch(customer, phone="12345")
    assert desk.approve(one)["status"] == "APPROVED"
    failed = desk.approve(two)
    assert failed["status"] == "FAILED"
    assert failed["failure"]["code"] == "RECORD_MOVED"
    assert desk.read(customer)["credit_limit"] == "20"
    assert desk.read(customer)["notes"] is None
    told = [e for e in ok(desk("u_clerk").get("/v1/exceptions?status=open&owner=me&limit=200"))["items"]
            if e["subject_id"] == two["change_id"]]  # fmt: skip
    assert [(e["kind"], e["reason_code"], e["owner_user"]) for e in told] == [
        ("change_failed", "RECORD_MOVED", "u_clerk")
    ]
    assert told[0]["created_at"] < told[0]["due_at"]
    refused(desk.decide(two, "u_manager2"), 409, "CHANGE_CLOSED")
    assert desk.approve(apart)["status"] == "APPROVED"
    assert (desk.read(customer)["credit_limit"], desk.read(customer)["phone"]) == ("20", "12345")
    refused(desk("u_ae").post(f"/v1/customer-changes/{two['change_id']}/resubmit"), 403, "FORBIDDEN")
    again = ok(desk("u_clerk").post(f"/v1/customer-changes/{two['change_id']}/resubmit"))
    assert (again["status"], again["round"]) == ("PENDING_APPROVAL", 2)
    assert {"path": "/credit_limit", "before": "20", "after": "30"} in again["diff"]
    assert desk.approve(two)["status"] == "APPROVED"
    assert desk.read(customer)["credit_limit"] == "30"


def test_what_is_right_alone_and_wrong_together_fails_when_it_is_carried_out(desk: Desk):
    customer, tier = desk.customer(), {"action": "add", "item": "X", "price": 1}
    one, two = desk.patch(customer, pricing_tiers=[tier]), desk.patch(customer, pricing_tiers=[tier | {"price": 2}])
    assert desk.approve(one)["status"] == "APPROVED"
    failed = desk.approve(two)
    assert (failed["status"], failed["failure"]["code"]) == ("FAILED", "VALIDATION_FAILED")
    assert [t["price"] for t in desk.read(customer)["pricing_tiers"]] == ["1"]
    url = f"/v1/customer-changes/{two['change_id']}"
    assert field_codes(desk("u_clerk").post(f"{url}/resubmit")) == {"/pricing_tiers": "PRICING_TIERS_OVERLAP"}
    later = {"patch": {"pricing_tiers": [tier | {"price": 2, "min_quantity": 10, "effective_from": "2027-01-01"}]}}
    assert field_codes(desk("u_clerk").post(f"{url}/resubmit", json=later)) == {
        "/pricing_tiers": "PRICING_TIERS_OVERLAP"
    }
    apart = {"patch": {"pricing_tiers": [tier | {"price": 2, "currency_code": "EUR"}]}}
    ok(desk("u_clerk").post(f"{url}/resubmit", json=apart))
    assert desk.approve(two)["status"] == "APPROVED"
