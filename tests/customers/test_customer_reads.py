"""What is read of customers: effective views, prices, lists; by whom, and by whom not (docs/api.md, sections 4 and 2)."""

from tests.customers.desk import Desk, field_codes, ok, refused
from tests.customers.everything import EVERYTHING


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


def test_an_entity_may_see_every_overridable_field_differently(desk: Desk):
    office = {
        "type": "billing",
        "lines": ["9 Far St"],
        "city": "Hull",
        "region": None,
        "postal_code": None,
        "country": "GB",
    }
    own = {
        "credit_limit": "80000.50", "credit_limit_currency": "EUR", "payment_terms": "NET60", "currency_code": "GBP",
        "tax_code": "REDUCED", "revenue_account": "revenue", "billing_email": "uk@acme.example.com", "phone": "+44 20 7946 0000",
        "notes": "Hull pays.", "addresses": [office],
    }  # fmt: skip
    customer = desk.customer(**EVERYTHING | {"entity_overrides": [{"legal_entity_id": "le_uk"} | own]})
    uk, us = (desk.read(customer, legal_entity_id=e) for e in ("le_uk", "le_us"))
    assert {f: uk[f] for f in own} == own
    assert uk["overrides"] == sorted(own)
    assert {f for f, whence in uk["provenance"].items() if whence == "entity"} == set(own)
    assert (uk["name"], uk["pricing_tiers"], uk["contacts"]) == (us["name"], us["pricing_tiers"], us["contacts"])
    assert us["overrides"] == []
    assert set(us["provenance"].values()) == {"master"}
    assert {f: us[f] for f in own if us[f] == own[f]} == {"revenue_account": "revenue"}


def test_the_price_of_an_item_depends_on_quantity_and_date(desk: Desk):
    customer = desk.customer(**{k: EVERYTHING[k] for k in ("pricing_tiers", "currency_code")})

    def price(**query):
        return ok(desk("u_ae").get(f"/v1/customers/{customer}/price", params={"item": "WIDGET"} | query))["price"]

    assert price(quantity=99) == "9.50"
    assert price(quantity=100, date="2026-06-30") == "8.25"
    assert price(quantity=100, date="2025-12-31") is None
    assert price(quantity=1, item="OTHER") is None
    assert "/query/quantity" in field_codes(desk("u_ae").get(f"/v1/customers/{customer}/price?item=A&quantity=-1"))


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
    pending = f"/v1/customers/{change['customer_id']}"  # theirs already; to themselves it does not exist yet
    refused(desk("u_clerk").get(pending), 403, "ORG_CONTEXT_MISMATCH")
    refused(own_desk("u_clerk").get(pending), 404, "CUSTOMER_NOT_FOUND")
    refused(desk.decide(change, "u_manager"), 403, "ORG_CONTEXT_MISMATCH")
    ok(own_desk.decide(change, "u_manager", "reject", reason_code="NOT_OURS"))
    refused(desk("u_clerk").get(pending), 404, "CUSTOMER_NOT_FOUND")  # it has never been anybody's
    refused(desk.decide("chg_01m81c38y0e1vbc2tepwa5rpyv", "u_manager"), 404, "CHANGE_NOT_FOUND")
    refused(desk("u_clerk").delete("/v1/customers/cust_01m81c38y0e1vbc2tepwa5rpyv"), 404, "CUSTOMER_NOT_FOUND")


def test_only_those_whom_the_table_names_submit_and_decide(desk: Desk):
    change = desk.submit("u_ae")
    for user in ("u_auditor", "u_ops"):
        refused(desk(user).post("/v1/customers", json=desk.body()), 403, "FORBIDDEN")
    for user in ("u_clerk", "u_ae", "u_auditor", "u_ops"):
        refused(desk.decide(change, user), 403, "FORBIDDEN")
    ok(desk("u_ops").get("/v1/customers"))
