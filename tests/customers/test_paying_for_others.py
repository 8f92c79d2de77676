"""Of whom a customer says that it pays for them: a related list like every other, with rules of its own."""

from typing import Any

import pytest

from tests.customers.desk import Desk, field_codes, fresh, ok, refused
from tests.stack_fixtures.app import AppStack


def add(customer: str, **days: str | None) -> dict[str, str | None]:
    return {"action": "add", "customer_id": customer, **days}


def codes(response) -> dict[str, str]:
    return {e["loc"]: e["code"] for e in response.json()["errors"]}


def test_a_customer_is_created_and_changed_with_whom_it_pays_for(desk: Desk):
    child, sister = desk.customer(), desk.customer()
    parent = desk.customer(pays_for=[{"customer_id": child, "valid_from": "2026-01-01"}])
    (entry,) = desk.read(parent)["pays_for"]
    assert {**entry, "id": None} == {"id": None, "customer_id": child, "valid_from": "2026-01-01", "valid_until": None}
    change = desk.patch(
        parent, pays_for=[{"action": "update", "id": entry["id"], "valid_until": "2026-06-30"}, add(sister)]
    )
    diff = {d["path"]: (d["before"], d["after"]) for d in desk.change(change)["diff"]}
    assert diff.pop(f"/pays_for/{entry['id']}/valid_until") == (None, "2026-06-30")
    assert [after["customer_id"] for _, after in diff.values()] == [sister]
    assert desk.read(parent)["pays_for"] == [entry]
    assert desk.approve(change)["status"] == "APPROVED"
    after = desk.read(parent)
    assert [(p["customer_id"], p["valid_until"]) for p in after["pays_for"]] == [(child, "2026-06-30"), (sister, None)]
    seen = desk.read(parent, legal_entity_id="le_uk")
    assert (seen["pays_for"], seen["provenance"]["pays_for"]) == (after["pays_for"], "master")
    evidence = ok(desk("u_controller").get(f"/v1/customer-changes/{change['change_id']}/evidence"))
    assert sister in str(evidence)
    gone = desk.patch(parent, pays_for=[{"action": "delete", "id": entry["id"]}])
    assert desk.approve(gone)["status"] == "APPROVED"
    assert [p["customer_id"] for p in desk.read(parent)["pays_for"]] == [sister]


def test_what_the_body_alone_makes_wrong_is_refused_with_its_place(desk: Desk):
    child = desk.customer()
    twice = [{"customer_id": child}, {"customer_id": child, "valid_from": "2026-01-01"}]
    body = desk.body(pays_for=twice)
    assert field_codes(desk("u_clerk").post("/v1/customers", json=body)) == {"": "PAYS_FOR_OVERLAP"}
    back = [{"customer_id": child, "valid_from": "2026-02-01", "valid_until": "2026-01-31"}]
    body = desk.body(pays_for=back)
    assert field_codes(desk("u_clerk").post("/v1/customers", json=body)) == {"/pays_for/0": "EFFECTIVE_RANGE_INVALID"}
    parent = desk.customer(pays_for=[{"customer_id": child}])
    url = f"/v1/customers/{parent}"
    again = desk("u_clerk").patch(url, json={"pays_for": [add(child, valid_from="2027-01-01")]})
    assert field_codes(again) == {"/pays_for": "PAYS_FOR_OVERLAP"}
    entry = desk.read(parent)["pays_for"][0]["id"]
    named = {"action": "update", "id": entry, "customer_id": child}
    assert field_codes(desk("u_clerk").patch(url, json={"pays_for": [named]})) == {
        "/pays_for/0/customer_id": "FIELD_UNKNOWN"
    }
    lost = desk("u_clerk").patch(url, json={"pays_for": [{"action": "delete", "id": "payr_none"}]})
    refused(lost, 404, "PAYS_FOR_NOT_FOUND")


def test_nobody_pays_for_itself_for_nobody_for_a_strangers_customer_or_for_one_who_is_gone(
    desk: Desk, app_stack: AppStack
):
    parent, clerk = desk.customer(), desk("u_clerk")

    def refusal(of: str, status: int, code: str) -> None:
        refused(clerk.patch(f"/v1/customers/{parent}", json={"pays_for": [add(of)]}), status, code)
        if of != parent:
            refused(clerk.post("/v1/customers", json=desk.body(pays_for=[{"customer_id": of}])), status, code)

    refusal(parent, 422, "PAYS_FOR_SELF")
    refusal("cust_nobody", 404, "CUSTOMER_NOT_FOUND")
    refusal(desk.submit()["customer_id"], 404, "CUSTOMER_NOT_FOUND")
    other = Desk(app_stack, app_stack.organisation("Elsewhere"))
    refusal(other.customer(), 403, "ORG_CONTEXT_MISMATCH")
    other.close()
    gone = desk.customer()
    erase = ok(clerk.delete(f"/v1/customers/{gone}", params={"mode": "hard", "reason_code": "GDPR"}), 202)
    desk.approve(erase, "u_plain", "u_controller", "u_cfo")
    refusal(gone, 404, "CUSTOMER_NOT_FOUND")


def test_a_token_of_one_entity_names_no_customer_of_another(desk: Desk):
    british, parent = desk.customer(legal_entity_id="le_uk"), desk.customer()
    limited = desk("u_clerk", "ar_clerk", entities=("le_us",))
    refused(limited.patch(f"/v1/customers/{parent}", json={"pays_for": [add(british)]}), 403, "FORBIDDEN")


def test_circles_are_refused_when_they_are_asked_for_and_when_they_would_be_carried_out(desk: Desk):
    one, two, three = desk.customer(), desk.customer(), desk.customer()
    clerk = desk("u_clerk")
    first, second = desk.patch(one, pays_for=[add(two)]), desk.patch(two, pays_for=[add(three)])
    third = desk.patch(three, pays_for=[add(one)])
    assert desk.approve(first)["status"] == "APPROVED"
    assert desk.approve(second)["status"] == "APPROVED"
    failed = desk.approve(third)
    assert (failed["status"], failed["failure"]["code"]) == ("FAILED", "PAYS_FOR_CIRCLE")
    body: dict[str, Any] = {"pays_for": [add(one, valid_from="2026-01-01")]}
    circle = clerk.patch(f"/v1/customers/{three}", json=body)
    refused(circle, 422, "PAYS_FOR_CIRCLE")
    assert codes(circle) == {"/pays_for": "PAYS_FOR_CIRCLE"}
    entry = desk.read(one)["pays_for"][0]["id"]
    ended = desk.patch(one, pays_for=[{"action": "update", "id": entry, "valid_until": "2025-12-31"}])
    desk.approve(ended)
    assert desk.approve(desk.patch(three, **body))["status"] == "APPROVED"


def test_a_customer_that_is_erased_is_nobodys_to_pay_for_and_the_payers_trail_says_why(desk: Desk):
    child = desk.customer()
    parent = desk.customer(pays_for=[{"customer_id": child}])
    entry = desk.read(parent)["pays_for"][0]["id"]
    change = ok(desk("u_clerk").delete(f"/v1/customers/{child}", params={"mode": "hard", "reason_code": "GDPR"}), 202)
    desk.approve(change, "u_plain", "u_controller", "u_cfo")
    after = desk.read(parent)
    assert (after["pays_for"], after["version"]) == ([], 2)
    trail = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": parent}))["items"]
    (told,) = [e for e in trail if e["action"] == "customer.updated"]
    assert (told["reason_code"], told["payload"]["deleted"]) == ("CUSTOMER_DELETED", [f"/pays_for/{entry}"])


@pytest.mark.parametrize("status", ["active", "inactive"])
def test_an_approved_word_lets_the_parent_pay_the_childs_invoice(desk: Desk, status: str):
    child, clerk = desk.customer(), desk("u_clerk")
    invoice = {
        "customer_id": child,
        "external_id": fresh(),
        "issue_date": "2026-01-02",
        "currency_code": "USD",
        "total_minor": 500,
    }
    owed = ok(clerk.post("/v1/invoices", json=invoice), 201)["id"]
    if status == "inactive":
        desk.approve(ok(clerk.delete(f"/v1/customers/{child}"), 202), "u_plain", "u_controller")
    parent = desk.customer()
    money = {
        "customer_id": parent,
        "external_id": fresh(),
        "payment_date": "2026-01-05",
        "currency_code": "USD",
        "amount_minor": 500,
    }
    url = f"/v1/customer-payments/{ok(clerk.post('/v1/customer-payments', json=money), 201)['id']}/apply"
    session = {"applications": [{"invoice_id": owed, "applied_minor": 500}]}
    refused(clerk.post(url, json=session), 422, "INVOICE_CUSTOMER_MISMATCH")
    desk.approve(desk.patch(parent, pays_for=[add(child)]))
    done = ok(clerk.post(url, json=session))
    assert (done["status"], done["outstanding_balances"]) == ("FULLY_APPLIED", [])
    ended = desk.read(parent)["pays_for"][0]["id"]
    desk.approve(desk.patch(parent, pays_for=[{"action": "delete", "id": ended}]))
    assert ok(clerk.post(url, json=session))["applied_count"] == 1  # the same words again: the same answer
