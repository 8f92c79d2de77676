"""Applying payments: the session's answer and entry, the refusals in their order, dry runs, replays."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.api.office import Office, code, day, ext, ok


def test_one_payment_on_three_invoices(office: Office, customer: str):
    a, b, c = (office.invoice(customer, n) for n in (1000, 2000, 3000))
    p = office.payment(customer, 4500)
    r = office.apply(p, [(a, 1000), (b, 2000), (c, 1500)])
    s = ok(r)
    assert p["id"] in r.headers["X-Workflow-Id"]
    assert s.items() >= {
        "applied_count": 3, "unapplied_minor": 0, "available_minor": 0, "status": "FULLY_APPLIED",
        "outstanding_balances": [{"currency_code": "USD", "minor": 1500}],
        "invoices": [
            {"id": a["id"], "status": "PAID", "balance_due_minor": 0},
            {"id": b["id"], "status": "PAID", "balance_due_minor": 0},
            {"id": c["id"], "status": "PARTIALLY_PAID", "balance_due_minor": 1500},
        ],
    }.items()  # fmt: skip
    assert "credit_id" not in s or s["credit_id"] is None
    assert [x["invoice_id"] for x in s["applications"]] == [a["id"], b["id"], c["id"]]
    for x in s["applications"]:
        assert x["id"].startswith("papp_")
        assert x.keys() >= {
            "applied_minor",
            "currency_code",
            "invoice_applied_minor",
            "invoice_currency_code",
            "fx_rate",
        }
        assert x["unapplied_at"] is None
    (entry,) = office.entries(p["id"])
    assert (entry["id"], entry["entry_date"], entry["source_id"]) == (s["journal_entry_id"], p["payment_date"], p["id"])
    assert office.booked(p["id"]) == {"cash": 4500, "accounts_receivable": -4500}
    now = office.get(p["id"])
    assert (now["status"], now["invoice_currency_code"], now["unapplied_minor"]) == ("FULLY_APPLIED", "USD", 0)
    assert [{k: x[k] for k in s["applications"][0]} for x in now["applications"]] == s["applications"]
    assert office.get(c["id"])["status"] == "PARTIALLY_PAID"


def test_later_sessions_take_from_unapplied_cash(office: Office, customer: str):
    a, b = office.invoice(customer, 1000), office.invoice(customer, 1000)
    p = office.payment(customer, 900)
    first = ok(office.apply(p, [(a, 300)]))
    assert (first["status"], first["unapplied_minor"], first["available_minor"]) == ("PARTIALLY_APPLIED", 600, 600)
    assert office.booked(p["id"]) == {"cash": 900, "accounts_receivable": -300, "unapplied_cash": -600}
    second = ok(office.apply(p, [(b, 600)]))
    assert (second["status"], second["unapplied_minor"]) == ("FULLY_APPLIED", 0)
    assert office.booked(p["id"]) == {"cash": 900, "accounts_receivable": -900}
    (entry,) = [e for e in office.entries(p["id"]) if e["id"] == second["journal_entry_id"]]
    assert {(x["account"], x["debit_minor"], x["credit_minor"]) for x in entry["lines"]} == {
        ("unapplied_cash", 600, 0),
        ("accounts_receivable", 0, 600),
    }


# refusals, in their order


def test_an_overpayment_needs_a_word_whatever_is_applied(office: Office, customer: str):
    i, p = office.invoice(customer, 6000), office.payment(customer, 10000)
    for applied in (1, 6000, 10000, 99999):
        r = office.apply(p, [(i, applied)])
        assert code(r) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
        assert (r.json()["available_minor"], r.json()["open_balance_minor"]) == (10000, 6000)
    assert office.entries(p["id"]) == []
    assert office.get(i["id"])["balance_due_minor"] == 6000
    assert office.get(p["id"])["status"] == "UNAPPLIED"


def test_more_than_the_payment_and_more_than_a_balance(office: Office, customer: str):
    a, b, p = office.invoice(customer, 500), office.invoice(customer, 800), office.payment(customer, 1000)
    assert code(office.apply(p, [(a, 500), (b, 501)])) == (422, "APPLIED_EXCEEDS_PAYMENT")
    assert code(office.apply(p, [(a, 501), (b, 400)])) == (422, "APPLIED_EXCEEDS_BALANCE")
    # both at once: the payment comes first
    assert code(office.apply(p, [(a, 2000), (b, 1)])) == (422, "APPLIED_EXCEEDS_PAYMENT")
    ok(office.apply(p, [(a, 500), (b, 500)]))


def test_the_refusals_of_the_first_step_in_their_order(office: Office, customer: str):
    office.rate("GBP", "USD", day(10), "1.25")
    office.rate("GBP", "USD", day(60), "1.25")
    office.rate("EUR", "USD", day(60), "1.1")
    office.rate("EUR", "USD", day(10), "1.1")
    mine, euro = office.invoice(customer, 100), office.invoice(customer, 100, currency_code="EUR")
    void = office.invoice(customer, 100)
    ok(office.clerk.post(f"/v1/invoices/{void['id']}/void", json={"reason_code": "MISTAKE"}))
    stranger = office.invoice(office.customer(), 100)
    british = office.invoice(customer, 100, legal_entity_id="le_uk", currency_code="GBP")
    p = office.payment(customer, 99999)
    closed = "2011-03-04"
    ok(office.controller.post("/v1/periods/2011-03/close"), 200)

    def refused(*invoices: object, **fields: Any) -> tuple[int, str]:
        return code(office.apply(p, [(i, 1) for i in invoices], **fields))

    everything = (mine, euro, british, stranger, void)
    assert refused("invoice_none", *everything, posting_date=closed) == (404, "INVOICE_NOT_FOUND")
    assert refused(*everything, posting_date=closed) == (409, "INVOICE_VOID")
    assert refused(*everything[:-1], posting_date=closed) == (422, "INVOICE_CUSTOMER_MISMATCH")
    assert refused(*everything[:-2], posting_date=closed) == (422, "LEGAL_ENTITY_MISMATCH")
    assert refused(mine, euro, posting_date=closed) == (422, "MIXED_INVOICE_CURRENCIES")
    assert refused(mine, posting_date=closed) == (422, "PERIOD_CLOSED")
    assert refused(mine) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    ok(office.reverse(p))
    assert refused(*everything, posting_date=closed) == (409, "PAYMENT_REVERSED")
    assert refused("invoice_none") == (404, "INVOICE_NOT_FOUND")
    assert code(office.apply("pay_none", [("invoice_none", 1)])) == (404, "PAYMENT_NOT_FOUND")


def test_the_shape_of_a_session(office: Office, customer: str):
    i, p = office.invoice(customer, 500), office.payment(customer, 500)
    line = {"invoice_id": i["id"], "applied_minor": 100}
    url = f"/v1/customer-payments/{p['id']}/apply"
    shapes: tuple[dict[str, Any], ...] = (
        {"applications": []}, {}, {"applications": None}, {"applications": [line, line]}, {"applications": {}},
        {"applications": [line | {"applied_minor": 0}]}, {"applications": [line | {"applied_minor": -1}]},
        {"applications": [line | {"applied_minor": 2**63}]}, {"applications": [line | {"fx_rate": "0"}]},
        {"applications": [line | {"fx_rate": "-1"}]}, {"applications": [line | {"fx_rate": "x"}]},
        {"applications": [line | {"fx_rate": "1e-70"}]}, {"applications": [line | {"fx_rate": "9" * 40}]},
        {"applications": [line | {"invoice_applied_minor": 0}]}, {"applications": [line | {"note": "x"}]},
        {"applications": [line], "overpayment": "keep"}, {"applications": [line], "posting_date": "2026-1-1"},
        {"applications": [line], "posting_date": day(1) + "T00:00:00"}, {"applications": [line], "surprise": 1},
        {"applications": [{"invoice_id": ext("invoice"), "applied_minor": 1} for _ in range(501)]},
        {"applications": [{"invoice_id": str(n), "applied_minor": 1} for n in range(10_000)]},
        {"applications": [line], "external_id": ""},
    )  # fmt: skip
    for shape in shapes:
        assert code(office.clerk.post(url, json=shape)) == (422, "VALIDATION_FAILED"), shape
    # the shape is looked at before the record
    assert code(office.clerk.post("/v1/customer-payments/pay_none/apply", json={})) == (422, "VALIDATION_FAILED")
    r = office.clerk.post(
        url, content=b'{"x":"' + b"y" * 10_000_000 + b'"}', headers={"Content-Type": "application/json"}
    )
    assert code(r) == (413, "PAYLOAD_TOO_LARGE")
    r = office.clerk.post(url, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert code(r) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_refusal_leaves_nothing_but_its_audit_record(office: Office, customer: str):
    i, p = office.invoice(customer, 500), office.payment(customer, 400)
    r = office.apply(p, [(i, 401)], key=ext("key"))
    assert code(r) == (422, "APPLIED_EXCEEDS_PAYMENT")
    assert p["id"] in r.headers["X-Workflow-Id"]
    assert office.get(i["id"]) == {k: v for k, v in i.items() if k != "warnings"} or office.get(i["id"]) == i
    assert office.get(p["id"]) == p
    assert ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"] == []


# dry runs


def test_a_dry_run_answers_the_same_and_changes_nothing(office: Office, customer: str):
    i, p = office.invoice(customer, 6000), office.payment(customer, 10000)
    tried = ok(office.apply(p, [(i, 6000)], overpayment="customer_credit", dry=True))
    assert (tried["applied_count"], tried["unapplied_minor"], tried["available_minor"]) == (1, 4000, 0)
    assert tried["journal_entry"]["lines"]
    assert sum(x["debit_minor"] for x in tried["journal_entry"]["lines"] if x["account"] == "cash") == 10000
    assert (office.get(p["id"]), office.entries(p["id"])) == (p, [])
    assert office.get(i["id"])["balance_due_minor"] == 6000
    assert ok(office.clerk.get("/v1/customer-credits", params={"customer_id": customer}))["items"] == []
    assert code(office.apply(p, [(i, 6000)], dry=True)) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    real = ok(office.apply(p, [(i, 6000)], overpayment="customer_credit"))
    assert real.keys() <= tried.keys()
    same = ("applied_count", "unapplied_minor", "available_minor", "status", "invoices", "outstanding_balances")
    assert {k: real[k] for k in same} == {k: tried[k] for k in same}
    later = office.invoice(customer, 100)
    spent = ok(office.apply(real["credit_id"], [(later, 100)], dry=True))
    assert (spent["unapplied_minor"], office.get(real["credit_id"])["remaining_minor"]) == (3900, 4000)


# replays


def test_a_key_replays_the_first_answer(office: Office, customer: str):
    a, p, key = office.invoice(customer, 1000), office.payment(customer, 600), ext("key")
    first = office.apply(p, [(a, 300)], key=key)
    ok(office.apply(p, [(a, 200)], key=ext("key")))
    again = office.apply(p, [(a, 300)], key=key)
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (ok(first), "true")
    assert code(office.apply(p, [(a, 301)], key=key)) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert office.get(p["id"])["unapplied_minor"] == 100


def test_an_external_id_replays_the_current_state(office: Office, customer: str):
    a, p, e = office.invoice(customer, 1000), office.payment(customer, 600), ext("session")
    first = ok(office.apply(p, [(a, 300)], external_id=e))
    ok(office.apply(p, [(a, 200)]))
    again = office.apply(p, [(a, 300)], external_id=e)
    assert again.headers["Idempotent-Replayed"] == "true"
    s = ok(again)
    assert (s["applied_count"], s["unapplied_minor"], s["journal_entry_id"]) == (1, 100, first["journal_entry_id"])
    assert s["invoices"] == [{"id": a["id"], "status": "PARTIALLY_PAID", "balance_due_minor": 500}]
    r = office.apply(p, [(a, 301)], external_id=e)
    assert code(r) == (409, "EXTERNAL_ID_CONFLICT")
    assert r.json()["fields"] == ["applications"]
    # unique per payment, not per organisation
    other = office.payment(customer, 5)
    assert "Idempotent-Replayed" not in office.apply(other, [(a, 5)], external_id=e).headers


def test_a_bare_repetition_answers_the_latest_session(office: Office, customer: str):
    a, p = office.invoice(customer, 1000), office.payment(customer, 600)
    first = office.apply(p, [(a, 200)])
    again = office.apply(p, [(a, 200)])
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (ok(first), "true")
    assert office.get(p["id"])["unapplied_minor"] == 400
    deliberate = office.apply(p, [(a, 200)], key=ext("key"))
    assert (ok(deliberate)["unapplied_minor"], "Idempotent-Replayed" in deliberate.headers) == (200, False)


def test_a_bare_repetition_after_an_unapply_is_a_new_session(office: Office, customer: str):
    a, p = office.invoice(customer, 1000), office.payment(customer, 600)
    first = ok(office.apply(p, [(a, 200)]))
    ok(office.unapply(first["applications"][0]))
    again = office.apply(p, [(a, 200)])
    assert "Idempotent-Replayed" not in again.headers
    assert ok(again)["journal_entry_id"] != first["journal_entry_id"]


def test_a_bare_repetition_after_the_reversal_is_refused(office: Office, customer: str):
    p = office.payment(customer, 600)
    ok(office.apply(p, [], overpayment="unapplied"))
    ok(office.reverse(p))
    assert code(office.apply(p, [], overpayment="unapplied")) == (409, "PAYMENT_REVERSED")


@pytest.mark.parametrize("how", ["key", "external_id", "bare"])
def test_concurrent_sessions_of_one_request_apply_once(office: Office, customer: str, how: str):
    a, p = office.invoice(customer, 600), office.payment(customer, 600)
    fields: dict[str, Any] = {"external_id": ext()} if how == "external_id" else {}
    key = ext("key") if how == "key" else None

    def send(_: int) -> httpx2.Response:
        return office.apply(p, [(a, 600)], key=key, **fields)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {r.status_code for r in answers} == {200}, [r.text for r in answers]
    assert sum("Idempotent-Replayed" not in r.headers for r in answers) == 1
    assert len(office.get(p["id"])["applications"]) == 1
    assert office.booked(p["id"]) == {"cash": 600, "accounts_receivable": -600}


def test_many_payments_race_for_one_invoice(office: Office, customer: str):
    invoice = office.invoice(customer, 1000)
    made = [office.payment(customer, 100) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda p: office.apply(p, [(invoice, 100)]), made))
    assert sorted(r.status_code for r in answers) == [200] * 10 + [422] * 6
    assert {code(r) for r in answers if r.status_code != 200} == {(422, "OVERPAYMENT_REQUIRES_CREDIT")}
    assert office.get(invoice["id"])["status"] == "PAID"


# entry dates


def test_the_entry_date(office: Office, customer: str):
    ok(office.controller.post("/v1/periods/2012-05/close"))
    ok(office.controller.post("/v1/periods/2012-06/close"))
    i = office.invoice(customer, 1000, issue_date="2012-05-10", due_date=None)
    assert [e["entry_date"] for e in office.entries(i["id"])] == ["2012-07-01"]
    p = office.payment(customer, 300, payment_date="2012-05-20")
    ok(office.apply(p, [(i, 100)], posting_date="2012-08-15"))
    ok(office.apply(p, [(i, 200)]))
    assert sorted(e["entry_date"] for e in office.entries(p["id"])) == ["2012-07-01", "2012-08-15"]
    refused = office.apply(office.payment(customer, 5), [(i, 5)], posting_date="2012-06-30")
    assert code(refused) == (422, "PERIOD_CLOSED")
    ok(office.controller.post("/v1/periods/2012-06/reopen"))
    q = office.payment(customer, 5, payment_date="2012-05-20")
    ok(office.apply(q, [(i, 5)]))
    assert [e["entry_date"] for e in office.entries(q["id"])] == ["2012-06-01"]


def test_two_clerks_and_a_reversal_never_leave_the_books_apart(office: Office, customer: str):
    a, b = office.invoice(customer, 500), office.invoice(customer, 500)
    p = office.payment(customer, 800)
    work = [lambda: office.apply(p, [(a, 500), (b, 300)]), lambda: office.apply(p, [(b, 500), (a, 300)]),
            lambda: office.reverse(p)]  # fmt: skip
    with ThreadPoolExecutor(3) as pool:
        answers = [f.result() for f in [pool.submit(w) for w in work]]
    assert {r.status_code for r in answers} <= {200, 409, 422}, [r.text for r in answers]
    assert office.get(p["id"])["status"] == "REVERSED"
    assert office.booked(p["id"]) == {}
    assert [office.get(i["id"])["balance_due_minor"] for i in (a, b)] == [500, 500]
