"""Recording payments: defaults, replays by external_id and by key, refusals in their order."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.api.office import Office, code, day, ext, ok

PAYMENTS = "/v1/customer-payments"


def test_a_recorded_payment_says_everything(office: Office, customer: str):
    body = office.payment_body(customer, 12345, method="wire", reference="R 1", remittance_text="two\nlines")
    r = office.clerk.post(PAYMENTS, json=body)
    p = ok(r, 201)
    assert p.items() >= {
        "status": "UNAPPLIED", "external_id": body["external_id"], "customer_id": customer, "legal_entity_id": "le_us",
        "bank_account_id": "bank_us", "payment_date": body["payment_date"], "amount_minor": 12345,
        "unapplied_minor": 12345, "available_minor": 12345, "currency_code": "USD", "invoice_currency_code": None,
        "applications": [], "method": "wire", "reference": "R 1", "remittance_text": "two\nlines",
    }.items()  # fmt: skip
    assert p["id"].startswith("pay_")
    assert p["id"] in r.headers["X-Workflow-Id"]
    assert r.headers["X-Request-Id"]
    assert r.headers["Idempotency-Key"]
    assert "Idempotent-Replayed" not in r.headers
    assert office.get(p["id"]) == p
    assert office.entries(p["id"]) == []


def test_the_entity_is_the_one_given_else_the_banks_else_the_customers(office: Office, customer: str):
    office.rate("GBP", "USD", day(12), "1.25")
    by_bank = office.payment(customer, 100, bank_account_id="bank_uk", currency_code="GBP")
    assert (by_bank["legal_entity_id"], by_bank["bank_account_id"]) == ("le_uk", "bank_uk")
    by_entity = office.payment(customer, 100, legal_entity_id="le_uk", currency_code="GBP")
    assert (by_entity["legal_entity_id"], by_entity["bank_account_id"]) == ("le_uk", "bank_uk")
    both = office.payment_body(customer, 100, legal_entity_id="le_uk", bank_account_id="bank_us")
    assert code(office.clerk.post(PAYMENTS, json=both)) == (422, "LEGAL_ENTITY_MISMATCH")


def test_a_replay_answers_the_current_record(office: Office, customer: str):
    invoice = office.invoice(customer, 500)
    body = office.payment_body(customer, 500)
    first = office.clerk.post(PAYMENTS, json=body)
    assert office.apply(ok(first, 201), [(invoice, 500)]).status_code == 200
    again = office.clerk.post(PAYMENTS, json=body)
    p = ok(again, 201)
    assert (again.headers["Idempotent-Replayed"], p["id"]) == ("true", first.json()["id"])
    assert (p["status"], p["invoice_currency_code"], len(p["applications"])) == ("FULLY_APPLIED", "USD", 1)
    assert again.headers["X-Workflow-Id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount_minor", 2), ("payment_date", day(11)), ("currency_code", "EUR"), ("reference", "other"),
     ("customer_id", "cust_unknown"), ("bank_account_id", "bank_uk"), ("legal_entity_id", "le_uk"), ("method", "ach")],
)  # fmt: skip
def test_other_business_fields_under_one_external_id_conflict(office: Office, customer: str, field: str, value: object):
    body = office.payment_body(customer, 1)
    ok(office.clerk.post(PAYMENTS, json=body), 201)
    r = office.clerk.post(PAYMENTS, json=body | {field: value})
    assert code(r) == (409, "EXTERNAL_ID_CONFLICT")
    assert field in str(r.json()["fields"])
    assert field in r.json()["detail"]


def test_a_default_spelled_out_is_the_same_payment(office: Office, customer: str):
    body = office.payment_body(customer, 1)
    first = ok(office.clerk.post(PAYMENTS, json=body), 201)
    spelled = body | {"legal_entity_id": "le_us", "bank_account_id": "bank_us", "method": None}
    r = office.clerk.post(PAYMENTS, json=spelled)
    assert (ok(r, 201)["id"], r.headers["Idempotent-Replayed"]) == (first["id"], "true")
    body = office.payment_body(customer, 1, legal_entity_id="le_us")
    first = ok(office.clerk.post(PAYMENTS, json=body), 201)
    del body["legal_entity_id"]
    assert ok(office.clerk.post(PAYMENTS, json=body), 201)["id"] == first["id"]
    body = office.payment_body(customer, 1, legal_entity_id="le_uk", currency_code="GBP")
    ok(office.clerk.post(PAYMENTS, json=body), 201)
    del body["legal_entity_id"]
    assert code(office.clerk.post(PAYMENTS, json=body)) == (409, "EXTERNAL_ID_CONFLICT")


def test_an_external_id_is_used_before_a_body_is_looked_into(office: Office, customer: str):
    body = office.payment_body(customer, 1, bank_account_id="bank_us")
    ok(office.clerk.post(PAYMENTS, json=body), 201)
    del body["bank_account_id"]
    wrong = body | {"customer_id": "cust_nobody"}
    assert code(office.clerk.post(PAYMENTS, json=wrong)) == (409, "EXTERNAL_ID_CONFLICT")


def test_a_key_answers_first_and_refuses_another_body(office: Office, customer: str):
    key, body = {"Idempotency-Key": ext("key")}, office.payment_body(customer, 7)
    first = office.clerk.post(PAYMENTS, json=body, headers=key)
    again = office.clerk.post(PAYMENTS, json=body, headers=key)
    assert ok(first, 201) == ok(again, 201)
    assert first.headers["Idempotency-Key"] == key["Idempotency-Key"]
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert again.headers["X-Workflow-Id"] == first.headers["X-Workflow-Id"]
    other = office.payment_body(customer, 8)
    assert code(office.clerk.post(PAYMENTS, json=other, headers=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    # the key goes before the external_id
    both = body | {"amount_minor": 9}
    assert code(office.clerk.post(PAYMENTS, json=both, headers=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_a_first_answer_stays_the_first_answer(office: Office, customer: str):
    key, body = {"Idempotency-Key": ext("key")}, office.payment_body(customer, 7)
    p = ok(office.clerk.post(PAYMENTS, json=body, headers=key), 201)
    ok(office.apply(p, [(office.invoice(customer, 7), 7)]))
    assert ok(office.clerk.post(PAYMENTS, json=body, headers=key), 201) == p


def test_a_refusal_frees_its_key(office: Office, customer: str):
    key = {"Idempotency-Key": ext("key")}
    wrong = office.payment_body("cust_unknown", 7)
    assert code(office.clerk.post(PAYMENTS, json=wrong, headers=key)) == (404, "CUSTOMER_NOT_FOUND")
    ok(office.clerk.post(PAYMENTS, json=office.payment_body(customer, 7), headers=key), 201)


def test_a_key_made_by_the_server_serves_a_retry(office: Office, customer: str):
    body = office.payment_body(customer, 7)
    first = office.clerk.post(PAYMENTS, json=body)
    again = office.clerk.post(PAYMENTS, json=body, headers={"Idempotency-Key": first.headers["Idempotency-Key"]})
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")


def test_an_organisation_may_not_see_the_others_keys(office: Office, other: Office):
    key = {"Idempotency-Key": ext("key")}
    mine, theirs = office.payment_body(office.customer(), 1), other.payment_body(other.customer(), 2)
    ok(office.clerk.post(PAYMENTS, json=mine, headers=key), 201)
    ok(other.clerk.post(PAYMENTS, json=theirs, headers=key), 201)


@pytest.mark.parametrize("how", ["key", "external_id", "both"])
def test_concurrent_submissions_make_one_payment(office: Office, customer: str, how: str):
    body = office.payment_body(customer, 77)
    headers = {"Idempotency-Key": ext("key")} if how != "external_id" else {}

    def send(_: int) -> httpx2.Response:
        return office.clerk.post(PAYMENTS, json=body, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {r.status_code for r in answers} == {201}, [r.text for r in answers]
    assert len({r.json()["id"] for r in answers}) == 1
    at_once = [r for r in answers if "waited" not in r.extensions]  # who had to ask again is not told who was first
    first = sum("Idempotent-Replayed" not in r.headers for r in at_once)
    assert first == 1 or (first == 0 and len(at_once) < len(answers))
    items = ok(office.clerk.get(PAYMENTS, params={"customer_id": customer}))["items"]
    assert len(items) == 1


def test_the_horizon_is_seven_days_and_a_setting(office: Office, customer: str):
    last, late = day(-7), day(-8)
    ok(office.clerk.post(PAYMENTS, json=office.payment_body(customer, 1, payment_date=last)), 201)
    too_late = office.payment_body(customer, 1, payment_date=late)
    assert code(office.clerk.post(PAYMENTS, json=too_late)) == (422, "PAYMENT_DATE_IN_FUTURE")
    office.controller.patch("/v1/settings", json={"payment_date_horizon_days": 8})
    ok(office.clerk.post(PAYMENTS, json=too_late), 201)
    office.controller.patch("/v1/settings", json={"payment_date_horizon_days": None})


def test_foreign_money_needs_a_rate(office: Office, customer: str):
    foreign = office.payment_body(customer, 1000, currency_code="KWD", payment_date="2001-02-03")
    r = office.clerk.post(PAYMENTS, json=foreign)
    assert code(r) == (422, "FX_RATE_MISSING")
    office.rate("KWD", "USD", "2001-01-27", "3.25")
    p = ok(office.clerk.post(PAYMENTS, json=foreign), 201)
    assert (p["functional_currency"], p["functional_amount_minor"]) == ("USD", 325)
    too_old = foreign | {"payment_date": "2001-02-04", "external_id": ext()}
    assert code(office.clerk.post(PAYMENTS, json=too_old)) == (422, "FX_RATE_MISSING")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0}, {"amount_minor": -1}, {"amount_minor": 1.0}, {"amount_minor": "1"}, {"amount_minor": True},
        {"amount_minor": 2**63}, {"amount_minor": 1e3}, {"amount_minor": None}, {"currency_code": "XXX"},
        {"currency_code": "usd"}, {"currency_code": "US"}, {"currency_code": "ABC"}, {"currency_code": 840},
        {"payment_date": "2026-02-30"}, {"payment_date": "2026-01-01T00:00:00Z"}, {"payment_date": "01/02/2026"},
        {"payment_date": 20260101}, {"external_id": ""}, {"external_id": "x" * 256}, {"external_id": 1},
        {"customer_id": None}, {"surprise": 1}, {"reference": ["x"]}, {"external_id": "a\u0000b"},
    ],
)  # fmt: skip
def test_what_the_body_alone_decides(office: Office, customer: str, wrong: dict[str, object]):
    r = office.clerk.post(PAYMENTS, json=office.payment_body(customer, 5) | wrong)
    assert code(r) == (422, "VALIDATION_FAILED")
    assert r.json()["errors"][0]["loc"].startswith(f"/{next(iter(wrong))}")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"amount_minor": NaN}', b'{"a":1,"a":2}', b"[" * 100000]
)
def test_malformed_json(office: Office, raw: bytes):
    r = office.clerk.post(PAYMENTS, content=raw, headers={"Content-Type": "application/json"})
    assert code(r) == (422, "VALIDATION_FAILED")


def test_the_largest_amounts_neither_break_nor_hang(office: Office, customer: str):
    largest = 2**63 - 1
    p = office.payment(customer, largest)
    assert p["available_minor"] == largest
    office.rate("GBP", "USD", day(12), "1.25")
    overflowing = office.payment_body(customer, largest, currency_code="GBP")
    assert code(office.clerk.post(PAYMENTS, json=overflowing)) == (422, "VALIDATION_FAILED")
    a, b = (office.invoice(customer, largest) for _ in range(2))
    r = office.apply(p, [(a, largest)])
    assert ok(r)["outstanding_balances"] == [{"currency_code": "USD", "minor": largest}]
    assert b["balance_due_minor"] == largest


def test_lists_filter_and_page(office: Office):
    mine = office.customer()
    made = [office.payment(mine, n)["id"] for n in range(1, 6)]
    seen, cursor = [], None
    while True:
        page = ok(office.clerk.get(PAYMENTS, params={"customer_id": mine, "limit": 2, "cursor": cursor}))
        seen += [p["id"] for p in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))
    ok(office.apply(made[0], [(office.invoice(mine, 1), 1)]))
    fully = ok(office.clerk.get(PAYMENTS, params={"customer_id": mine, "status": "FULLY_APPLIED"}))["items"]
    assert [p["id"] for p in fully] == [made[0]]
    for limit in (0, 201, -1, "x"):
        assert code(office.clerk.get(PAYMENTS, params={"limit": limit})) == (422, "VALIDATION_FAILED")
    assert code(office.clerk.get(PAYMENTS, params={"cursor": "nonsense"})) == (422, "VALIDATION_FAILED")
    assert code(office.clerk.get(PAYMENTS, params={"status": "NOT_A_STATUS"})) == (422, "VALIDATION_FAILED")


def test_a_missing_payment(office: Office):
    assert code(office.clerk.get(f"{PAYMENTS}/pay_none")) == (404, "PAYMENT_NOT_FOUND")
