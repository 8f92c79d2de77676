"""Customers and approvals, sentence by sentence of docs/api.md, sections 2, 4 and 7."""

import itertools
import json
import subprocess
import time
import uuid
from typing import Any

import httpx2
import pytest

from settings import Settings
from stack.temporal import ensure_cli
from tests.customers.desk import Desk, fresh, ok, refused

ROLES = {
    "u_clerk": "ar_clerk", "u_manager": "ar_manager", "u_controller": "controller", "u_cfo": "cfo",
    "u_ae": "account_executive", "u_am": "account_manager", "u_csm": "customer_success_manager", "u_bank": "bank_feed",
    "u_ops": "ops", "u_auditor": "auditor",
}  # fmt: skip
FINANCE = {"u_clerk", "u_manager", "u_controller", "u_cfo"}
SALES = {"u_ae", "u_am", "u_csm"}
JSON = {"content-type": "application/json"}


def invoice(desk: Desk, customer_id: str) -> httpx2.Response:
    body = {"customer_id": customer_id, "external_id": uuid.uuid4().hex, "issue_date": "2026-01-05"}
    return desk("u_clerk").post("/v1/invoices", json=body | {"currency_code": "USD", "total_minor": 1000})


def payment(desk: Desk, customer_id: str) -> httpx2.Response:
    body = {"customer_id": customer_id, "external_id": uuid.uuid4().hex, "payment_date": "2026-01-05"}
    return desk("u_clerk").post("/v1/customer-payments", json=body | {"currency_code": "USD", "amount_minor": 1000})


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def who(desk: Desk, user: str) -> httpx2.Client:
    return desk(user, ROLES[user])


def test_refusals_come_in_the_order_of_the_interface(desk: Desk, stranger: Desk):
    path, url = "/v1/customers", desk.stack.base_url
    big = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    refused(httpx2.post(f"{url}{path}", content=big, headers=JSON, trust_env=False, timeout=60), 401, "UNAUTHENTICATED")
    refused(desk("u_ops").post(path, content=big, headers=JSON), 413, "PAYLOAD_TOO_LARGE")
    refused(
        desk("u_ops").post(path, content=b"a=b", headers={"content-type": "text/plain"}), 415, "UNSUPPORTED_MEDIA_TYPE"
    )
    refused(desk("u_ops").post(path, json={}), 403, "FORBIDDEN")
    body, sent = desk.body(external_id=uuid.uuid4().hex), key()
    submitted = ok(desk("u_clerk").post(path, json=body, headers=sent), 202)
    assert desk.approve(submitted)["status"] == "APPROVED"
    mine = f"{path}/{submitted['customer_id']}"
    refused(desk("u_clerk").post(path, json=body | {"surprise": 1}, headers=sent), 422, "VALIDATION_FAILED")
    refused(desk("u_clerk").post(path, json=body | {"notes": "x"}, headers=sent), 409, "IDEMPOTENCY_KEY_CONFLICT")
    assert refused(desk("u_clerk").post(path, json=body | {"notes": "x"}), 409, "EXTERNAL_ID_CONFLICT")["fields"] == [
        "notes"
    ]
    refused(stranger("u_clerk").patch(mine, json={"surprise": 1}), 422, "VALIDATION_FAILED")
    refused(stranger("u_clerk").patch(mine, json={"payment_terms": "NOPE"}), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk("u_clerk").patch(f"{path}/cust_none", json={"payment_terms": "NOPE"}), 404, "CUSTOMER_NOT_FOUND")


def test_a_submission_is_answered_once_and_a_refused_one_may_be_mended_under_its_key(desk: Desk):
    body, sent = desk.body(external_id=uuid.uuid4().hex, credit_limit="500"), key()
    refused(
        desk("u_clerk").post("/v1/customers", json=body | {"payment_terms": "NOPE"}, headers=sent),
        422,
        "PAYMENT_TERMS_UNKNOWN",
    )
    first = desk("u_clerk").post("/v1/customers", json=body, headers=sent)
    assert set(ok(first, 202)) >= {"change_id", "workflow_id", "status", "customer_id", "warnings"}
    assert first.json()["status"] == "PENDING_APPROVAL"
    assert first.headers["X-Workflow-Id"] == first.json()["workflow_id"]
    desk.approve(first.json())
    again = desk("u_clerk").post("/v1/customers", json=body, headers=sent)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    by_external_id = desk("u_clerk").post("/v1/customers", json=body | {"credit_limit": 500.0})
    assert by_external_id.headers["Idempotent-Replayed"] == "true"
    assert by_external_id.json() == first.json() | {"status": "APPROVED"}


def test_before_approval_a_customer_is_nowhere(desk: Desk):
    customer_id = (change := desk.submit())["customer_id"]
    at = f"/v1/customers/{customer_id}"
    for method, path, body in (
        ("GET", "", None), ("PATCH", "", {"notes": "x"}), ("DELETE", "", None), ("POST", "/reactivate", None),
        ("GET", "/price?item=A", None), ("GET", "/contacts", None), ("GET", "/ar-aging", None), ("GET", "/360", None),
        ("GET", "/360/panels/nps", None), ("GET", "/activities", None), ("GET", "?legal_entity_id=le_uk", None),
    ):  # fmt: skip
        refused(desk("u_clerk").request(method, f"{at}{path}", json=body), 404, "CUSTOMER_NOT_FOUND")
    refused(desk("u_ae").post(f"{at}/activities", json={"type": "call", "notes": "x"}), 404, "CUSTOMER_NOT_FOUND")
    refused(invoice(desk, customer_id), 404, "CUSTOMER_NOT_FOUND")
    refused(payment(desk, customer_id), 404, "CUSTOMER_NOT_FOUND")
    desk.decide(change, "u_manager", "reject", reason_code="BAD_DATA")
    refused(desk("u_clerk").get(at), 404, "CUSTOMER_NOT_FOUND")


def test_an_inactive_customer_is_read_and_pays_but_is_not_invoiced(desk: Desk):
    customer_id = desk.customer(email=(email := fresh()))
    ok(invoice(desk, customer_id), 201)
    away = ok(desk("u_clerk").delete(f"/v1/customers/{customer_id}", params={"reason_code": "CLOSED"}), 202)
    assert [w["code"] for w in away["warnings"]] == ["OPEN_BALANCE"]
    assert desk.change(away)["warnings"] == away["warnings"]
    assert [s["role"] for s in desk.change(away)["steps"]] == ["manager", "controller"]
    desk.approve(away, "u_plain", "u_controller")
    assert desk.read(customer_id)["status"] == "inactive"
    refused(invoice(desk, customer_id), 409, "CUSTOMER_INACTIVE")
    ok(payment(desk, customer_id), 201)
    refused(desk("u_clerk").post("/v1/customers", json=desk.body(email=email.upper())), 409, "DUPLICATE_EMAIL")
    listed = {
        s: [c["id"] for c in ok(desk("u_clerk").get("/v1/customers", params={"status": s, "q": email}))["items"]]
        for s in ("active", "inactive")
    }
    assert listed == {"active": [], "inactive": [customer_id]}
    refused(desk("u_clerk").delete(f"/v1/customers/{customer_id}?mode=hard&reason_code=TEST"), 409, "HAS_TRANSACTIONS")


@pytest.mark.parametrize(
    "part", ["{mark}", "{MARK}", "Acme {mark}", "{mark} ltd", "{mark}@example", "e2e-{mark}", "T {mark}"]
)
def test_a_customer_is_found_by_any_part_of_its_name_or_email(desk: Desk, part: str):
    mark = uuid.uuid4().hex[:10]
    fields = {
        "name": f"Acme {mark} Ltd",
        "email": f"{mark}@example.com",
        "external_id": f"e2e-{mark}",
        "tax_id": f"T-{mark}",
    }
    customer_id = desk.customer(**fields)
    said = part.format(mark=mark, MARK=mark.upper())
    assert [c["id"] for c in ok(desk("u_ae").get("/v1/customers", params={"q": said}))["items"]] == [customer_id]


def test_decisions_out_of_order_by_the_wrong_people_and_too_late(desk: Desk, stranger: Desk):
    change = desk.submit()
    refused(desk.decide(change, "u_controller", step=2), 409, "STEP_NOT_PENDING")
    refused(desk.decide(change, "u_controller"), 403, "FORBIDDEN")
    refused(desk.decide(change, "u_clerk"), 403, "FORBIDDEN")
    refused(desk.decide(change, "u_auditor"), 403, "FORBIDDEN")
    refused(stranger.decide(change, "u_manager"), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk.decide("chg_none", "u_manager"), 404, "CHANGE_NOT_FOUND")
    for decision in ("reject", "return"):
        refused(desk.decide(change, "u_manager", decision), 422, "REASON_REQUIRED")
    ok(desk.decide(change, "u_manager", step=1))
    assert desk.decide(change, "u_manager", step=1).headers["Idempotent-Replayed"] == "true"  # a second click
    refused(desk.decide(change, "u_manager", "reject", step=1, reason_code="NO"), 409, "STEP_NOT_PENDING")
    done = ok(desk.decide(change, "u_controller", "reject", reason_code="BAD_DATA", comment="no"))
    assert (done["status"], [s["status"] for s in done["steps"]]) == ("REJECTED", ["APPROVED", "REJECTED"])
    for by in ("u_manager", "u_controller", "u_cfo"):
        for step in (None, 1, 2):
            only: dict[str, Any] = {"step": step} if step else {}
            refused(desk.decide(change, by, "return", reason_code="NO", **only), 409, "CHANGE_CLOSED")
    refused(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/withdraw"), 409, "CHANGE_CLOSED")
    refused(desk("u_manager").get(f"/v1/customer-changes/{change['change_id']}/approval-token"), 409, "CHANGE_CLOSED")


def test_reads_and_submissions_are_open_to_whom_the_table_names(desk: Desk):
    customer_id, change = desk.customer(), desk.submit()
    at = f"/v1/customers/{customer_id}"
    readers = FINANCE | SALES | {"u_ops", "u_auditor"}
    for path in ("/v1/customers", at, f"{at}/ar-aging", f"{at}/360", f"{at}/contacts", f"{at}/price?item=A"):
        assert {u for u in ROLES if who(desk, u).get(path).status_code == 200} == readers, path
    for path in ("/v1/customer-changes", f"/v1/customer-changes/{change['change_id']}"):
        assert {u for u in ROLES if who(desk, u).get(path).status_code == 200} >= FINANCE | SALES | {"u_auditor"}, path
    assert {u for u in ROLES if who(desk, u).post("/v1/customers", json={}).status_code == 422} == FINANCE | SALES
    assert {u for u in ROLES if who(desk, u).patch(at, json={}).status_code == 422} == FINANCE | SALES


def test_a_token_of_one_entity_reaches_its_customers_alone(desk: Desk):
    customer_id, change = desk.customer(), desk.submit()
    clerk, manager = desk("u_uk", "ar_clerk", entities=("le_uk",)), desk("u_ukm", "ar_manager", entities=("le_uk",))
    at, its_change = f"/v1/customers/{customer_id}", f"/v1/customer-changes/{change['change_id']}"
    for r in (
        clerk.get(at), clerk.get(f"{at}/360"), clerk.get(f"{at}/ar-aging"), clerk.patch(at, json={"notes": "x"}),
        clerk.delete(at), clerk.post("/v1/customers", json=desk.body()), clerk.get(its_change),
        manager.post(f"{its_change}/decisions", json={"decision": "approve"}), manager.get(f"{its_change}/evidence"),
        manager.get(f"{its_change}/approval-token"),
        manager.post(f"{its_change}/delegate", json={"step": 1, "to_user_id": "u_manager"}),
    ):  # fmt: skip
        refused(r, 403, "FORBIDDEN")
    assert customer_id not in [c["id"] for c in ok(clerk.get("/v1/customers?limit=200"))["items"]]
    assert change["change_id"] not in [
        c["id"] for c in ok(manager.get("/v1/customer-changes?status=pending&awaiting=me&limit=200"))["items"]
    ]
    ok(clerk.post("/v1/customers", json=desk.body(legal_entity_id="le_uk")), 202)


def test_the_effective_view_and_the_price(desk: Desk):
    tier = {"item": "SKU", "price": "9.50", "min_quantity": 10, "max_quantity": 99}
    customer_id = desk.customer(
        credit_limit=100000, payment_terms="NET30", pricing_tiers=[tier | {"effective_to": "2026-12-31"}]
    )
    override = {"legal_entity_id": "le_uk", "action": "add", "credit_limit": "80000", "credit_limit_currency": "EUR"}
    desk.approve(desk.patch(customer_id, entity_overrides=[override | {"payment_terms": "NET60"}]))
    uk, us = (desk.read(customer_id, legal_entity_id=e) for e in ("le_uk", "le_us"))
    assert (uk["credit_limit"], uk["payment_terms"]) == ("80000", "NET60")
    assert {"credit_limit", "payment_terms"} <= set(uk["overrides"])
    assert (us["credit_limit"], us["payment_terms"], list(us["overrides"])) == ("100000", "NET30", [])

    def price(quantity: int, date: str = "2026-12-31") -> Any:
        query: dict[str, Any] = {"item": "SKU", "quantity": quantity, "date": date}
        return ok(desk("u_ae").get(f"/v1/customers/{customer_id}/price", params=query))["price"]

    assert [price(9), price(10), price(99), price(100), price(10, "2027-01-01")] == [None, "9.50", "9.50", None, None]


def test_the_trail_of_a_customer_says_who_what_when_and_why(desk: Desk):
    customer_id = desk.customer(notes="before")
    change = desk.patch(customer_id, notes="after")
    desk.approve(change)
    events = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": customer_id}))["items"]
    updated = next(e for e in events if e["action"] == "customer.updated")
    assert (updated["before"], updated["after"]) == ({"/notes": "before"}, {"/notes": "after"})
    said = updated["payload"]
    assert (said["submitted_by"], [a["decided_by"] for a in said["approved"]]) == (
        "u_clerk",
        ["u_manager", "u_controller"],
    )
    assert updated["workflow_id"] == change["workflow_id"]
    for one, two in itertools.pairwise(events):
        assert two["prev_hash"] == one["hash"]
    evidence = f"/v1/customer-changes/{change['change_id']}/evidence"
    assert ok(desk("u_auditor").get(evidence))["change"]["id"] == change["change_id"]
    packet = desk("u_auditor").get(evidence, headers={"Accept": "application/pdf"})
    assert (packet.headers["content-type"], packet.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_signal_decides_with_its_token_once_and_with_nothing_else(desk: Desk):
    change = desk.submit()
    at = f"/v1/customer-changes/{change['change_id']}"
    token = ok(desk("u_manager").get(f"{at}/approval-token"))["token"]

    def signal(argument: Any) -> None:
        environment = desk.stack.environment
        subprocess.run(
            [str(ensure_cli(Settings().temporal_cli, print)), "workflow", "signal", "--workflow-id", change["workflow_id"],
             "--address", environment["ARFLOW_TEMPORAL_ADDRESS"], "--namespace", environment["ARFLOW_TEMPORAL_NAMESPACE"],
             "--name", "decide", "--input", json.dumps(argument)],
            check=True, capture_output=True,
        )  # fmt: skip

    def until(what: Any) -> None:
        deadline = time.monotonic() + 120
        while not what(desk.change(change)):
            assert time.monotonic() < deadline, desk.change(change)
            time.sleep(0.1)

    def refusals() -> int:
        found = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": change["change_id"]}))["items"]
        return sum("refused" in e["action"] for e in found)

    signal({"token": "nonsense", "decision": "approve", "reason_code": None, "comment": None})
    until(lambda _: refusals() == 1)
    assert desk.change(change)["steps"][0]["status"] == "PENDING"
    signal({"token": token, "decision": "approve", "reason_code": None, "comment": "by CLI"})
    until(lambda c: c["steps"][0]["status"] == "APPROVED")
    assert desk.change(change)["steps"][0]["decided_by"] == "u_manager"
    signal({"token": token, "decision": "approve"})
    until(lambda _: refusals() == 2)
    assert desk.change(change)["steps"][1]["status"] == "PENDING"
