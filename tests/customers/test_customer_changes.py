"""Customers as the outside sees them: created, changed, deactivated and deleted only through approvals (contract 4)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.customers.desk import Desk, field_codes, fresh, ok, refused

EVERYTHING = {
    "phone": "+1 (212) 555-0100 ext. 7",
    "website": "https://acme.example.com",
    "billing_email": "billing@acme.example.com",
    "notes": "Pays on Fridays.\nAsk for Ann.",
    "customer_type": "enterprise",
    "credit_limit": 100000,
    "payment_terms": "NET45",
    "currency_code": "USD",
    "tax_code": "STANDARD",
    "revenue_account": "revenue",
    "addresses": [
        {
            "type": "billing",
            "lines": ["1 High St", "Floor 2"],
            "city": "New York",
            "region": "NY",
            "postal_code": "10001",
            "country": "US",
        },
        {"type": "shipping", "lines": ["2 Low St"], "city": "Leeds", "country": "GB"},
    ],
    "pricing_tiers": [
        {"item": "WIDGET", "price": "9.50", "min_quantity": 1, "max_quantity": 99},
        {
            "item": "WIDGET",
            "price": "8.25",
            "min_quantity": 100,
            "effective_from": "2026-01-01",
            "effective_to": "2030-12-31",
        },
    ],
    "tax_profiles": [{"tax_code": "EXEMPT", "certificate_number": "C-1", "certificate_expires_on": "2031-01-31"}],
    "contacts": [{"name": "Ann Lee", "email": "ann@acme.example.com", "phone": "212 555 0101", "role": "AP"}],
    "entity_overrides": [
        {"legal_entity_id": "le_uk", "credit_limit": 80000, "credit_limit_currency": "EUR", "payment_terms": "NET60"}
    ],
    "metadata": {"crm": {"id": 7, "score": "0.1"}},
}


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
    assert [t["price"] for t in record["pricing_tiers"]] == ["9.5", "8.25"]
    assert record["entity_overrides"][0]["credit_limit"] == "80000"
    contacts = ok(desk("u_ae").get(f"/v1/customers/{change['customer_id']}/contacts"))["items"]
    assert contacts == record["contacts"]
    assert contacts[0]["id"].startswith("cont_")


def test_an_entity_sees_the_master_with_its_overrides(desk: Desk):
    customer = desk.customer(credit_limit="100000", currency_code="USD", payment_terms="NET30")
    desk.approve(
        desk.patch(
            customer,
            entity_overrides=[
                {"legal_entity_id": "le_uk", "action": "add", "credit_limit": 80000, "credit_limit_currency": "EUR"}
            ],
        )
    )
    uk, us = desk.read(customer, legal_entity_id="le_uk"), desk.read(customer, legal_entity_id="le_us")
    assert (uk["credit_limit"], uk["credit_limit_currency"], uk["payment_terms"]) == ("80000", "EUR", "NET30")
    assert uk["overrides"] == ["credit_limit", "credit_limit_currency"]
    assert uk["provenance"]["payment_terms"] == "master"
    assert (us["credit_limit"], us["credit_limit_currency"], us["overrides"]) == ("100000", "USD", [])
    refused(desk("u_clerk").get(f"/v1/customers/{customer}?legal_entity_id=le_no"), 404, "LEGAL_ENTITY_NOT_FOUND")
    desk.approve(
        desk.patch(
            customer, entity_overrides=[{"legal_entity_id": "le_uk", "action": "update", "payment_terms": "NET60"}]
        )
    )
    assert desk.read(customer, legal_entity_id="le_uk")["overrides"] == [
        "credit_limit",
        "credit_limit_currency",
        "payment_terms",
    ]
    desk.approve(desk.patch(customer, entity_overrides=[{"legal_entity_id": "le_uk", "action": "delete"}]))
    assert desk.read(customer, legal_entity_id="le_uk")["overrides"] == []


def test_the_price_of_an_item_depends_on_quantity_and_date(desk: Desk):
    customer = desk.customer(**{k: EVERYTHING[k] for k in ("pricing_tiers", "currency_code")})

    def price(**query):
        return ok(desk("u_ae").get(f"/v1/customers/{customer}/price", params={"item": "WIDGET"} | query))["price"]

    assert price(quantity=99) == "9.5"
    assert price(quantity=100, date="2026-06-30") == "8.25"
    assert price(quantity=100, date="2025-12-31") is None
    assert price(quantity=1, item="OTHER") is None
    assert "/query/quantity" in field_codes(desk("u_ae").get(f"/v1/customers/{customer}/price?item=A&quantity=-1"))


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
        "120000.5",
        {"only": 1},
        2,
    )
    assert after["addresses"][0]["city"] == "Albany"
    assert after["addresses"][0]["lines"] == before["addresses"][0]["lines"]
    assert after["addresses"][1] == before["addresses"][1]
    assert after["pricing_tiers"] == before["pricing_tiers"][:1]
    assert [c["name"] for c in after["contacts"]] == ["Ann Lee", "Bo"]
    assert after["website"] == before["website"]


def test_related_records_must_be_this_customers(desk: Desk):
    mine, other = desk.customer(), desk.customer(**EVERYTHING | {"billing_email": None})
    foreign = desk.read(other)["addresses"][0]["id"]
    clerk = desk("u_clerk")
    for item_id in (foreign, "addr_01m81c38y0e1vbc2tepwa5rpyv"):
        for item in ({"action": "delete", "id": item_id}, {"action": "update", "id": item_id, "city": "X"}):
            refused(clerk.patch(f"/v1/customers/{mine}", json={"addresses": [item]}), 404, "ADDRESS_NOT_FOUND")
    body = {"pricing_tiers": [{"action": "add", "item": "WIDGET", "price": 1, "min_quantity": 50, "max_quantity": 60}]}
    assert field_codes(clerk.patch(f"/v1/customers/{other}", json=body)) == {"/pricing_tiers": "PRICING_TIERS_OVERLAP"}


def test_what_a_customer_names_must_exist(desk: Desk):
    clerk = desk("u_clerk")
    refused(clerk.post("/v1/customers", json=desk.body(legal_entity_id="le_no")), 404, "LEGAL_ENTITY_NOT_FOUND")
    refused(clerk.post("/v1/customers", json=desk.body(payment_terms="NET99")), 422, "PAYMENT_TERMS_UNKNOWN")
    refused(clerk.post("/v1/customers", json=desk.body(revenue_account="cash")), 422, "ACCOUNT_UNKNOWN")
    dimensions = [{"type": "department", "code": "NOWHERE"}]
    refused(clerk.post("/v1/customers", json=desk.body(dimensions=dimensions)), 422, "DIMENSION_UNKNOWN")
    overrides = [{"legal_entity_id": "le_no", "credit_limit": 1}]
    refused(clerk.post("/v1/customers", json=desk.body(entity_overrides=overrides)), 404, "LEGAL_ENTITY_NOT_FOUND")


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
    refused(late, 409, "CHANGE_CLOSED")


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
    assert [w["code"] for w in warned["warnings"]] == ["OPEN_BALANCE"]


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
    refused(desk.decide(two, "u_manager2"), 409, "CHANGE_CLOSED")
    assert desk.approve(apart)["status"] == "APPROVED"
    assert (desk.read(customer)["credit_limit"], desk.read(customer)["phone"]) == ("20", "12345")
    refused(desk("u_ae").post(f"/v1/customer-changes/{two['change_id']}/resubmit"), 403, "FORBIDDEN")
    again = ok(desk("u_clerk").post(f"/v1/customer-changes/{two['change_id']}/resubmit"))
    assert (again["status"], again["round"]) == ("PENDING_APPROVAL", 2)
    assert {"path": "/credit_limit", "before": "20", "after": "30"} in again["diff"]
    assert desk.approve(two)["status"] == "APPROVED"
    assert desk.read(customer)["credit_limit"] == "30"


def test_lists_are_filtered_and_paged(own_desk: Desk):
    desk = own_desk
    made = [desk.customer(name=n) for n in ("Alpha One", "Alpha Two", "Beta")]
    clerk = desk("u_clerk")
    page = ok(clerk.get("/v1/customers?limit=2"))
    rest = ok(clerk.get("/v1/customers", params={"limit": 2, "cursor": page["next_cursor"]}))
    assert [c["id"] for c in page["items"] + rest["items"]] == sorted(made)
    assert rest["next_cursor"] is None
    assert {c["name"] for c in ok(clerk.get("/v1/customers?q=alpha"))["items"]} == {"Alpha One", "Alpha Two"}
    email = desk.read(made[2])["email"]
    assert [c["id"] for c in ok(clerk.get("/v1/customers", params={"q": email.upper()}))["items"]] == [made[2]]
    assert ok(clerk.get("/v1/customers?legal_entity_id=le_uk"))["items"] == []


def test_tokens_of_an_entity_see_its_customers_only(own_desk: Desk):
    desk = own_desk
    customer = desk.customer()
    uk = desk("u_uk", "ar_clerk", entities=("le_uk",))
    refused(uk.get(f"/v1/customers/{customer}"), 403, "FORBIDDEN")
    refused(uk.patch(f"/v1/customers/{customer}", json={"notes": "x"}), 403, "FORBIDDEN")
    refused(uk.post("/v1/customers", json=desk.body()), 403, "FORBIDDEN")
    assert ok(uk.get("/v1/customers"))["items"] == []
    override = [{"legal_entity_id": "le_uk", "action": "add", "payment_terms": "NET60"}]
    change = desk.patch(customer, entity_overrides=override)
    url = f"/v1/customer-changes/{change['change_id']}/decisions"
    us_manager = desk("u_us", "ar_manager", entities=("le_us",))
    refused(us_manager.post(url, json={"decision": "approve"}), 403, "FORBIDDEN")
    uk_manager = desk("u_ukm", "ar_manager", entities=("le_uk",))
    assert ok(uk_manager.get("/v1/customer-changes?awaiting=me"))["items"][0]["id"] == change["change_id"]
    assert ok(us_manager.get("/v1/customer-changes?awaiting=me"))["items"] == []
    ok(uk_manager.post(url, json={"decision": "approve"}))
    ok(desk.decide(change, "u_controller"))
    assert ok(uk.get(f"/v1/customers/{customer}?legal_entity_id=le_uk"))["overrides"] == ["payment_terms"]


def test_other_organisations_customers_and_changes_are_not_ours(desk: Desk, own_desk: Desk):
    change = own_desk.submit()
    customer = own_desk.customer()
    refused(desk("u_clerk").get(f"/v1/customers/{customer}"), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk("u_clerk").patch(f"/v1/customers/{customer}", json={"notes": "x"}), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk("u_clerk").get(f"/v1/customer-changes/{change['change_id']}"), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk.decide(change, "u_manager"), 403, "ORG_CONTEXT_MISMATCH")
    refused(desk.decide("chg_01m81c38y0e1vbc2tepwa5rpyv", "u_manager"), 404, "CHANGE_NOT_FOUND")
    refused(desk("u_clerk").delete("/v1/customers/cust_01m81c38y0e1vbc2tepwa5rpyv"), 404, "CUSTOMER_NOT_FOUND")


def test_only_those_whom_the_table_names_submit_and_decide(desk: Desk):
    change = desk.submit("u_ae")
    for user in ("u_auditor", "u_ops"):
        refused(desk(user).post("/v1/customers", json=desk.body()), 403, "FORBIDDEN")
    for user in ("u_clerk", "u_ae", "u_auditor", "u_ops"):
        refused(desk.decide(change, user), 403, "FORBIDDEN")
    ok(desk("u_ops").get("/v1/customers"))


def test_an_entitys_own_terms_and_limit_hold_for_its_invoices(desk: Desk):
    override = {"legal_entity_id": "le_uk", "payment_terms": "NET60", "credit_limit": 10}
    customer = desk.customer(payment_terms="NET30", credit_limit=1000, entity_overrides=[override])
    body = {"customer_id": customer, "issue_date": "2026-01-01", "currency_code": "GBP", "total_minor": 1001}
    uk = ok(desk("u_clerk").post("/v1/invoices", json=body | {"external_id": fresh(), "legal_entity_id": "le_uk"}), 201)
    assert (uk["due_date"], [w["code"] for w in uk["warnings"]]) == ("2026-03-02", ["CREDIT_LIMIT_EXCEEDED"])
    usd = body | {"external_id": fresh(), "currency_code": "USD"}
    us = ok(desk("u_clerk").post("/v1/invoices", json=usd), 201)
    assert (us["due_date"], us["warnings"]) == ("2026-01-31", [])


def test_an_expiring_certificate_is_on_a_desk_ahead_of_time(own_desk: Desk, database_url: str):
    from datetime import UTC, datetime, timedelta

    from models.db.engine import make_engine, transaction
    from operations.customers.certificates import watch_certificates

    desk = own_desk
    today = datetime.now(UTC).date()
    days = {"soon": 20, "late": -1, "far": 90}
    profiles = [
        {"tax_code": name, "certificate_expires_on": (today + timedelta(days=n)).isoformat()}
        for name, n in days.items()
    ]
    customer = desk.customer(tax_profiles=profiles)
    engine = make_engine(database_url, pool_size=1)

    def watch() -> dict[str, dict]:
        with transaction(engine, desk.org) as tx:
            watch_certificates(tx)
        items = ok(desk("u_controller").get("/v1/exceptions?status=open"))["items"]
        return {e["reason_code"]: e for e in items if e["kind"] == "tax_certificate"}

    watch()
    found = watch()
    assert set(found) == {"CERTIFICATE_EXPIRING", "CERTIFICATE_EXPIRED"}
    assert found["CERTIFICATE_EXPIRING"]["owner_role"] == "ar_manager"
    assert found["CERTIFICATE_EXPIRING"]["due_at"][:10] == (today + timedelta(days=21)).isoformat()
    renewed = [
        {"action": "update", "id": t["id"], "certificate_expires_on": "2090-01-01"}
        for t in desk.read(customer)["tax_profiles"]
    ]
    desk.approve(desk.patch(customer, tax_profiles=renewed))
    assert watch() == {}
    engine.dispose()
