"""Corners of cash application that no other module names: inactive customers, reopened books, order of keys, settings."""

import time

import httpx2
import pytest

from tests.api.office import Office, code, day, ext, ok


def approved(office: Office, r: httpx2.Response, *people: str) -> None:
    change = ok(r, 202)["change_id"]
    for who in people:
        ok(getattr(office, who).post(f"/v1/customer-changes/{change}/decisions", json={"decision": "approve"}))
    deadline = time.monotonic() + 120
    while ok(office.clerk.get(f"/v1/customer-changes/{change}"))["status"] == "PENDING_APPROVAL":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_inactive_customer_pays_but_gets_no_invoice(office: Office, customer: str):
    i = office.invoice(customer, 100)
    gone = office.clerk.delete(f"/v1/customers/{customer}", params={"reason_code": "CLOSED"})
    approved(office, gone, "manager", "controller")
    assert ok(office.clerk.get(f"/v1/customers/{customer}"))["status"] == "inactive"
    p = office.payment(customer, 100)
    ok(office.apply(p, [(i, 100)]))
    r = office.clerk.post(
        "/v1/invoices",
        json={
            "customer_id": customer,
            "external_id": ext(),
            "issue_date": day(1),
            "currency_code": "USD",
            "total_minor": 1,
        },
    )
    assert code(r) == (409, "CUSTOMER_INACTIVE")


def test_an_unapproved_customer_is_not_there(office: Office):
    body = {"name": ext(), "email": f"{ext()}@example.com", "legal_entity_id": "le_us"}
    customer = ok(office.clerk.post("/v1/customers", json=body), 202)["customer_id"]
    r = office.clerk.post("/v1/customer-payments", json=office.payment_body(customer, 1))
    assert code(r) == (404, "CUSTOMER_NOT_FOUND")
    assert code(office.clerk.get(f"/v1/customers/{customer}/ar-aging")) == (404, "CUSTOMER_NOT_FOUND")


def test_a_reopened_reconciliation_is_completed_again(office: Office, customer: str):
    p = office.payment(customer, 100)
    body = {"through_date": day(0), "payment_ids": [p["id"]]}
    draft = ok(office.clerk.post("/v1/bank-accounts/bank_us/reconciliations", json=body), 201)
    url = f"/v1/reconciliations/{draft['id']}"
    for _ in range(2):
        assert ok(office.clerk.post(f"{url}/complete", json={}))["status"] == "COMPLETED"
        assert ok(office.clerk.get(url))["status"] == "COMPLETED"
        assert ok(office.cfo.post(f"{url}/reopen", json={"reason_code": "ERROR"}))["status"] == "REOPENED"
    assert len(office.entries(p["id"])) == 1


def test_aging_goes_by_the_payment_date(office: Office, customer: str):
    def aging(**params: str) -> dict:
        return ok(office.clerk.get(f"/v1/customers/{customer}/ar-aging", params=params))

    i = office.invoice(customer, 1000, issue_date=day(90), due_date=day(45))
    p = office.payment(customer, 1500, payment_date=day(20))
    s = ok(office.apply(p, [(i, 400)], overpayment="customer_credit"))
    now = aging()
    assert now.items() >= {
        "current_minor": 0, "days_30_minor": 600, "days_60_minor": 0, "days_90plus_minor": 0, "currency_code": "USD",
        "as_of": day(0), "unapplied_minor": 0, "credits_minor": 1100, "net_minor": -500,
    }.items()  # fmt: skip
    assert aging(as_of=day(20))["current_minor"] == 600
    assert (aging(as_of=day(21))["current_minor"], aging(as_of=day(21))["credits_minor"]) == (1000, 0)
    ok(office.unapply(s["applications"][0], effective_date=day(10)))
    assert (aging(as_of=day(11))["current_minor"], aging(as_of=day(11))["days_30_minor"]) == (0, 600)
    after = aging()
    assert (after["days_30_minor"], after["unapplied_minor"], after["credits_minor"]) == (1000, 400, 1100)
    ok(office.reverse(p, reversal_date=day(5)))
    ended = aging()
    assert (ended["days_30_minor"], ended["unapplied_minor"], ended["credits_minor"]) == (1000, 0, 0)
    assert aging(as_of=day(6))["credits_minor"] == 1100
    assert code(office.clerk.get(f"/v1/customers/{customer}/ar-aging", params={"as_of": "x"}))[0] == 422


def test_unapplied_cash_is_named_once(office: Office, customer: str):
    """What a record of unapplied cash names is on the payment: it counts there, and not among the credits."""
    p = office.payment(customer, 700)
    ok(office.apply(p, [], overpayment="unapplied"))
    a = ok(office.clerk.get(f"/v1/customers/{customer}/ar-aging"))
    assert (a["unapplied_minor"], a["credits_minor"], a["net_minor"]) == (700, 0, -700)


def test_journal_entries_show_what_the_interface_names(office: Office, customer: str):
    i, p = office.invoice(customer, 300), office.payment(customer, 300)
    ok(office.apply(p, [(i, 300)]))
    (entry,) = office.entries(p["id"])
    assert entry.keys() >= {"id", "entry_date", "source_id", "lines"}
    for x in entry["lines"]:
        assert x.keys() >= {
            "account", "debit_minor", "credit_minor", "currency_code", "functional_debit_minor",
            "functional_credit_minor",
        }  # fmt: skip


def test_one_external_id_on_two_sources_of_a_payment(office: Office, customer: str):
    p, e = office.payment(customer, 1000), ext()
    a, b = office.invoice(customer, 100), office.invoice(customer, 100)
    credit = ok(office.apply(p, [(a, 10)], overpayment="customer_credit", external_id=e))["credit_id"]
    r = office.apply(credit, [(b, 10)], external_id=e)
    assert code(r) == (409, "EXTERNAL_ID_CONFLICT")
    same = office.apply(credit, [(a, 10)], external_id=e, overpayment="customer_credit")
    assert code(same) == (409, "EXTERNAL_ID_CONFLICT")


def test_one_rate_written_twice_is_one_session(office: Office, customer: str):
    office.rate("GBP", "USD", day(60), "1.25")
    i, p, e = office.invoice(customer, 1000, currency_code="GBP"), office.payment(customer, 100), ext()
    line = {"invoice_id": i["id"], "applied_minor": 50}
    ok(office.apply(p, [], lines=[line | {"fx_rate": "0.80"}], external_id=e))
    again = office.apply(p, [], lines=[line | {"fx_rate": 0.8}], external_id=e)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true")


@pytest.mark.parametrize("key", [None, "given"])
def test_a_credits_session_repeated(office: Office, customer: str, key: str | None):
    p, i = office.payment(customer, 1000), office.invoice(customer, 500)
    credit = ok(office.apply(p, [], overpayment="customer_credit"))["credit_id"]
    key = key and ext()
    first, again = (office.apply(credit, [(i, 100)], key=key) for _ in range(2))
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (ok(first), "true")
    assert office.get(credit)["remaining_minor"] == 900


def test_a_reversed_payments_external_id_stays_taken(office: Office, customer: str):
    body = office.payment_body(customer, 5)
    p = ok(office.clerk.post("/v1/customer-payments", json=body), 201)
    ok(office.reverse(p))
    again = office.clerk.post("/v1/customer-payments", json=body)
    assert (ok(again, 201)["id"], again.json()["status"]) == (p["id"], "REVERSED")


def test_a_closed_day_of_payment_moves_the_receipt_but_not_the_aging(office: Office, customer: str):
    ok(office.controller.post("/v1/periods/2006-02/close"))
    i = office.invoice(customer, 100, issue_date="2006-01-01", due_date="2006-01-31")
    p = office.payment(customer, 100, payment_date="2006-02-10")
    ok(office.apply(p, [(i, 100)]))
    assert [e["entry_date"] for e in office.entries(p["id"])] == ["2006-03-01"]
    a = ok(office.clerk.get(f"/v1/customers/{customer}/ar-aging", params={"as_of": "2006-02-10"}))
    assert a["current_minor"] + a["days_30_minor"] == 0


def test_filters_by_status_take_either_case(office: Office, customer: str) -> None:
    paid, part, left = office.invoice(customer, 100), office.invoice(customer, 100), office.invoice(customer, 100)
    payment = office.payment(customer, 150)
    lines = [{"invoice_id": i["id"], "applied_minor": n} for i, n in ((paid, 100), (part, 50))]
    ok(office.clerk.post(f"/v1/customer-payments/{payment['id']}/apply", json={"applications": lines}))

    def found(path: str, **asked: str) -> set[str]:
        return {x["id"] for x in ok(office.clerk.get(path, params=asked))["items"]}

    for status, expected in (("PAID", {paid["id"]}), ("paid", {paid["id"]}), ("partially_paid", {part["id"]}),
                             ("OPEN", {left["id"]}), ("open", {part["id"], left["id"]})):  # fmt: skip
        assert found("/v1/invoices", customer_id=customer, status=status) == expected, status
    assert found("/v1/customer-payments", customer_id=customer, status="fully_applied") == {payment["id"]}
    assert customer in found("/v1/customers", status="ACTIVE")
    assert code(office.clerk.get("/v1/customer-payments", params={"status": "spent"})) == (422, "VALIDATION_FAILED")
