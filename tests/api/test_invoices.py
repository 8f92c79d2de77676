"""Invoices: defaults, entries, replays, batches, void, dispute, the credit limit, lists."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from tests.api.office import Office, code, day, ext, ok

INVOICES = "/v1/invoices"


def after(start: str, days: int) -> str:
    return (date.fromisoformat(start) + timedelta(days=days)).isoformat()


def body(customer: str, **fields: object) -> dict[str, object]:
    plain = {"customer_id": customer, "external_id": ext("inv"), "issue_date": day(20), "currency_code": "USD",
             "total_minor": 12000}  # fmt: skip
    return plain | fields


def test_an_invoice_says_everything_and_posts(office: Office, customer: str):
    sent = body(customer, due_date=day(1), tax_minor=2000)
    r = office.clerk.post(INVOICES, json=sent)
    i = ok(r, 201)
    assert i["id"].startswith("invoice_")
    assert i.items() >= {
        "status": "OPEN", "balance_due_minor": 12000, "total_minor": 12000, "tax_minor": 2000, "currency_code": "USD",
        "customer_id": customer, "legal_entity_id": "le_us", "issue_date": sent["issue_date"], "due_date": day(1),
        "external_id": sent["external_id"],
    }.items()  # fmt: skip
    assert office.booked(i["id"]) == {"accounts_receivable": 12000, "revenue": -10000, "tax_payable": -2000}
    assert [e["entry_date"] for e in office.entries(i["id"])] == [sent["issue_date"]]
    seen = office.get(i["id"])
    assert {k: seen[k] for k in i if k != "warnings"} == {k: v for k, v in i.items() if k != "warnings"}


def test_the_due_date_is_given_or_follows_the_terms(office: Office):
    (by_own_terms,) = office.make_customers([{"payment_terms": "NET60"}])
    plain = office.customer()
    issued = day(20)
    cases: tuple[tuple[str, dict[str, str], int], ...] = (
        (plain, {}, 30), (plain, {"payment_terms": "NET45"}, 45), (by_own_terms, {}, 60),
        (by_own_terms, {"payment_terms": "NET30"}, 30),
    )  # fmt: skip
    for customer, fields, days in cases:
        assert ok(office.clerk.post(INVOICES, json=body(customer, **fields)), 201)["due_date"] == after(issued, days)
    both = body(plain, due_date=day(3), payment_terms="NET60")
    assert ok(office.clerk.post(INVOICES, json=both), 201)["due_date"] == day(3)
    r = office.clerk.post(INVOICES, json=body(plain, payment_terms="NET99"))
    assert r.status_code == 422
    ok(office.controller.post("/v1/payment-terms", json={"code": "NET99", "days": 99}), 201)
    assert ok(office.clerk.post(INVOICES, json=body(plain, payment_terms="NET99")), 201)["due_date"] == after(
        issued, 99
    )


def test_a_replay_answers_the_current_record(office: Office, customer: str):
    sent = body(customer)
    i = ok(office.clerk.post(INVOICES, json=sent), 201)
    ok(office.apply(office.payment(customer, 500), [(i, 500)]))
    again = office.clerk.post(INVOICES, json=sent)
    assert (ok(again, 201)["id"], again.headers["Idempotent-Replayed"]) == (i["id"], "true")
    assert again.json()["balance_due_minor"] == 11500
    spelled = sent | {"legal_entity_id": "le_us", "due_date": i["due_date"], "payment_terms": "NET30", "tax_minor": 0,
                      "lines": []}  # fmt: skip
    assert ok(office.clerk.post(INVOICES, json=spelled), 201)["id"] == i["id"]
    for field, value in {
        "total_minor": 1, "tax_minor": 1, "currency_code": "EUR", "issue_date": day(21), "due_date": day(2),
        "customer_id": "cust_x", "payment_terms": "NET60", "legal_entity_id": "le_uk",
    }.items():  # fmt: skip
        r = office.clerk.post(INVOICES, json=sent | {field: value})
        assert code(r) == (409, "EXTERNAL_ID_CONFLICT"), field
        assert field in r.json()["fields"]


def test_what_was_spelled_out_may_be_left_out_only_where_the_default_is_the_same(office: Office, customer: str):
    explicit = body(customer, due_date=day(3))
    ok(office.clerk.post(INVOICES, json=explicit), 201)
    r = office.clerk.post(INVOICES, json=explicit | {"payment_terms": "NET60"})  # which set no due date, but are said
    assert (code(r), r.json()["fields"]) == ((409, "EXTERNAL_ID_CONFLICT"), ["payment_terms"])
    del explicit["due_date"]
    assert code(office.clerk.post(INVOICES, json=explicit)) == (409, "EXTERNAL_ID_CONFLICT")
    default = body(customer, due_date=after(day(20), 30), legal_entity_id="le_us")
    ok(office.clerk.post(INVOICES, json=default), 201)
    ok(office.clerk.post(INVOICES, json={k: v for k, v in default.items() if k != "legal_entity_id"}), 201)
    office.rate("GBP", "USD", day(20), "1.25")
    british = body(customer, legal_entity_id="le_uk", currency_code="GBP")
    ok(office.clerk.post(INVOICES, json=british), 201)
    del british["legal_entity_id"]
    assert code(office.clerk.post(INVOICES, json=british)) == (409, "EXTERNAL_ID_CONFLICT")


def test_keys(office: Office, customer: str):
    key = {"Idempotency-Key": ext("key")}
    sent = body(customer)
    first, again = (office.clerk.post(INVOICES, json=sent, headers=key) for _ in range(2))
    assert (again.json(), again.status_code, again.headers["Idempotent-Replayed"]) == (first.json(), 201, "true")
    other = office.clerk.post(INVOICES, json=sent | {"total_minor": 1}, headers=key)
    assert code(other) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_concurrent_submissions_make_one_invoice(office: Office, customer: str):
    sent = body(customer)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: office.clerk.post(INVOICES, json=sent), range(8)))
    assert {r.status_code for r in answers} == {201}, [r.text for r in answers]
    assert len({r.json()["id"] for r in answers}) == 1
    assert sum("Idempotent-Replayed" not in r.headers for r in answers) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_minor": 0}, {"total_minor": -5}, {"total_minor": 1.5}, {"total_minor": 2**63}, {"tax_minor": -1},
        {"tax_minor": 12001}, {"due_date": day(21)}, {"issue_date": None}, {"issue_date": "2026-13-01"},
        {"currency_code": "ABC"}, {"external_id": None}, {"surprise": True}, {"lines": "x"}, {"lines": [{"x": 1}]},
    ],
)  # fmt: skip
def test_what_the_body_alone_decides(office: Office, customer: str, wrong: dict[str, object]):
    assert code(office.clerk.post(INVOICES, json=body(customer) | wrong)) == (422, "VALIDATION_FAILED")


def test_records_that_are_not_there(office: Office, customer: str):
    assert code(office.clerk.post(INVOICES, json=body("cust_none"))) == (404, "CUSTOMER_NOT_FOUND")
    r = office.clerk.post(INVOICES, json=body(customer, legal_entity_id="le_none"))
    assert code(r) == (404, "LEGAL_ENTITY_NOT_FOUND")
    assert code(office.clerk.get(f"{INVOICES}/invoice_none")) == (404, "INVOICE_NOT_FOUND")
    for verb in ("void", "dispute", "resolve-dispute"):
        r = office.clerk.post(f"{INVOICES}/invoice_none/{verb}", json={"reason_code": "X"})
        assert code(r) == (404, "INVOICE_NOT_FOUND")


def test_lines_are_kept(office: Office, customer: str):
    lines = [
        {"description": "Widgets", "quantity": 2, "unit_price_minor": 5000, "amount_minor": 10000},
        {"description": "Service", "quantity": "1.5", "amount_minor": 2000, "tax_code": "S"},
    ]
    i = ok(office.clerk.post(INVOICES, json=body(customer, lines=lines)), 201)
    assert [x["description"] for x in i["lines"]] == ["Widgets", "Service"]
    no_amounts = [{"description": "As agreed"}]
    ok(office.clerk.post(INVOICES, json=body(customer, lines=no_amounts)), 201)


# batch


def test_a_batch_answers_each_item_in_its_place(office: Office, customer: str):
    known = body(customer)
    first = ok(office.clerk.post(INVOICES, json=known), 201)
    items = [
        body(customer), known, known | {"total_minor": 1}, body("cust_none"), body(customer, total_minor=0),
        body(customer, surprise=1), body(customer),
    ]  # fmt: skip
    done = ok(office.clerk.post("/v1/invoices:batch", json={"invoices": items}))["items"]
    assert [x["index"] for x in done] == list(range(7))
    assert [x["status"] for x in done] == ["created", "replayed", "failed", "failed", "failed", "failed", "created"]
    assert done[0]["invoice"]["status"] == "OPEN"
    assert done[1]["invoice"]["id"] == first["id"]
    assert [x["error"]["code"] for x in done[2:6]] == [
        "EXTERNAL_ID_CONFLICT", "CUSTOMER_NOT_FOUND", "VALIDATION_FAILED", "VALIDATION_FAILED",
    ]  # fmt: skip
    assert "invoice" not in done[2]
    assert office.booked(done[6]["invoice"]["id"])["accounts_receivable"] == 12000


def test_a_batch_is_replayed_by_its_key(office: Office, customer: str):
    key, items = {"Idempotency-Key": ext("key")}, {"invoices": [body(customer), body(customer)]}
    first, again = (office.clerk.post("/v1/invoices:batch", json=items, headers=key) for _ in range(2))
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (ok(first), "true")
    third = office.clerk.post("/v1/invoices:batch", json=items)
    assert [x["status"] for x in ok(third)["items"]] == ["replayed", "replayed"]
    r = office.clerk.post("/v1/invoices:batch", json={"invoices": [body(customer)]}, headers=key)
    assert code(r) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_batches_under_one_key_at_once_are_one_batch(office: Office, customer: str):
    key, items = {"Idempotency-Key": ext("key")}, {"invoices": [body(customer) for _ in range(20)]}
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: office.clerk.post("/v1/invoices:batch", json=items, headers=key), range(8)))
    first = ok(told[0])
    assert {x["status"] for x in first["items"]} == {"created"}
    assert [ok(r) for r in told] == [first] * 8
    assert sorted(r.headers.get("Idempotent-Replayed", "") for r in told) == [""] + ["true"] * 7
    assert ok(office.clerk.post("/v1/invoices:batch", json=items, headers=key)) == first


def test_a_batch_has_one_to_five_hundred_items(office: Office, customer: str):
    assert code(office.clerk.post("/v1/invoices:batch", json={"invoices": []})) == (422, "VALIDATION_FAILED")
    many = {"invoices": [body(customer, external_id=f"many-{n}") for n in range(501)]}
    assert code(office.clerk.post("/v1/invoices:batch", json=many)) == (422, "VALIDATION_FAILED")
    assert code(office.clerk.post("/v1/invoices:batch", json={"invoices": "x"})) == (422, "VALIDATION_FAILED")


# void and dispute


def test_void(office: Office, customer: str):
    i = office.invoice(customer, 900, tax_minor=100)
    url = f"{INVOICES}/{i['id']}/void"
    for wrong in ({}, {"reason_code": "no"}, {"reason_code": "A", "x": 1}):
        assert code(office.clerk.post(url, json=wrong)) == (422, "VALIDATION_FAILED")
    v = ok(office.clerk.post(url, json={"reason_code": "ISSUED_IN_ERROR"}))
    assert (v["status"], v["balance_due_minor"]) == ("VOID", 0)
    assert office.booked(i["id"]) == {}
    assert code(office.clerk.post(url, json={"reason_code": "ISSUED_IN_ERROR"})) == (409, "INVOICE_VOID")
    applied = office.invoice(customer, 900)
    x = ok(office.apply(office.payment(customer, 10), [(applied, 10)]))["applications"][0]
    url = f"{INVOICES}/{applied['id']}/void"
    assert code(office.clerk.post(url, json={"reason_code": "A"})) == (409, "INVOICE_HAS_APPLICATIONS")
    ok(office.unapply(x))
    assert ok(office.clerk.post(url, json={"reason_code": "A"}))["status"] == "VOID"


def test_dispute(office: Office, customer: str):
    i = office.invoice(customer, 900)
    url = f"{INVOICES}/{i['id']}"
    assert office.clerk.post(f"{url}/resolve-dispute", json={"reason_code": "AGREED"}).status_code == 409
    d = ok(office.clerk.post(f"{url}/dispute", json={"reason_code": "SHORT_DELIVERY", "note": "two missing"}))
    assert (d["disputed"], d["balance_due_minor"], d["status"]) == (True, 900, "OPEN")
    assert office.clerk.post(f"{url}/dispute", json={"reason_code": "SHORT_DELIVERY"}).status_code == 409
    ok(office.apply(office.payment(customer, 10), [(i, 10)]))  # a disputed invoice may be paid
    assert ok(office.clerk.post(f"{url}/resolve-dispute", json={"reason_code": "AGREED"}))["disputed"] is False


# credit limit


def test_an_invoice_over_the_credit_limit_carries_a_warning(office: Office):
    (customer,) = office.make_customers([{"credit_limit": "100.00"}])
    at_limit = office.invoice(customer, 10000)
    assert at_limit["warnings"] == []
    over = office.invoice(customer, 1)
    assert [w["code"] for w in over["warnings"]] == ["CREDIT_LIMIT_EXCEEDED"]
    assert over["warnings"][0]["detail"]
    ok(office.apply(office.payment(customer, 10000), [(at_limit, 10000)]))
    assert office.invoice(customer, 1)["warnings"] == []
    office.rate("GBP", "USD", day(60), "1.25")
    foreign = office.invoice(customer, 8000, currency_code="GBP")  # 100.00 USD more
    assert [w["code"] for w in foreign["warnings"]] == ["CREDIT_LIMIT_EXCEEDED"]


def test_without_a_limit_no_warning(office: Office, customer: str):
    assert office.invoice(customer, 10**15)["warnings"] == []


# lists


def test_open_invoices_by_due_date_then_issue_date_then_id(office: Office):
    mine = office.customer()
    a = office.invoice(mine, 1, issue_date=day(50), due_date=day(5))
    b = office.invoice(mine, 2, issue_date=day(60), due_date=day(5))
    c = office.invoice(mine, 3, issue_date=day(60), due_date=day(9))
    d = office.invoice(mine, 4, issue_date=day(60), due_date=day(5))
    paid, gone = office.invoice(mine, 5), office.invoice(mine, 6)
    ok(office.apply(office.payment(mine, 5), [(paid, 5)]))
    ok(office.clerk.post(f"{INVOICES}/{gone['id']}/void", json={"reason_code": "A"}))
    ok(office.apply(office.payment(mine, 2), [(d, 2)]))
    seen, cursor = [], None
    while True:
        page = ok(
            office.clerk.get(INVOICES, params={"customer_id": mine, "status": "open", "limit": 1, "cursor": cursor})
        )
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [i["id"] for i in seen] == [c["id"], *sorted([b["id"], d["id"]]), a["id"]]
    assert {i["status"] for i in seen} == {"OPEN", "PARTIALLY_PAID"}
    for status, expected in (("PAID", paid), ("VOID", gone), ("PARTIALLY_PAID", d)):
        items = ok(office.clerk.get(INVOICES, params={"customer_id": mine, "status": status}))["items"]
        assert [i["id"] for i in items] == [expected["id"]]
    assert len(ok(office.clerk.get(INVOICES, params={"customer_id": mine}))["items"]) == 6
    assert code(office.clerk.get(INVOICES, params={"status": "shut"})) == (422, "VALIDATION_FAILED")
    foreign = ok(office.clerk.get("/v1/customer-payments", params={"customer_id": mine, "limit": 1}))["next_cursor"]
    assert code(office.clerk.get(INVOICES, params={"cursor": foreign})) == (422, "VALIDATION_FAILED")
