"""Undoing: one application, a whole payment, and the bank reconciliation that guards it."""

import pytest

from tests.api.office import Office, code, day, ext, month_of, ok


def recon(office: Office, payments: list[str], who: str = "clerk", bank: str = "bank_us", **fields: object):
    body = {"through_date": day(0), "payment_ids": payments} | fields
    return getattr(office, who).post(f"/v1/bank-accounts/{bank}/reconciliations", json=body)


def complete(office: Office, recon_id: str):
    return office.clerk.post(f"/v1/reconciliations/{recon_id}/complete")


def test_unapply_gives_the_money_back_to_the_payment(office: Office, customer: str):
    a, b, p = office.invoice(customer, 600), office.invoice(customer, 600), office.payment(customer, 1000)
    s = ok(office.apply(p, [(a, 600), (b, 400)]))
    r = office.unapply(s["applications"][0])
    assert r.headers["X-Workflow-Id"]
    ok(r)
    assert office.get(a["id"])["status"] == "OPEN"
    now = office.get(p["id"])
    assert (now["status"], now["unapplied_minor"], now["available_minor"]) == ("PARTIALLY_APPLIED", 600, 600)
    assert [x["unapplied_at"] is None for x in now["applications"]] == [False, True]
    assert office.booked(p["id"]) == {"cash": 1000, "accounts_receivable": -400, "unapplied_cash": -600}
    newest = office.entries(p["id"])
    undo = [e for e in newest if e["id"] != s["journal_entry_id"]]
    assert [e["entry_date"] for e in undo] == [day(0)]
    assert code(office.unapply(s["applications"][0])) == (409, "APPLICATION_UNAPPLIED")
    assert code(office.unapply("papp_none")) == (404, "PAYMENT_APPLICATION_NOT_FOUND")
    ok(office.apply(p, [(a, 600)]))
    assert office.get(p["id"])["status"] == "FULLY_APPLIED"
    assert office.booked(p["id"]) == {"cash": 1000, "accounts_receivable": -1000}


def test_unapply_dates(office: Office, customer: str):
    a, p = office.invoice(customer, 600), office.payment(customer, 600)
    x = ok(office.apply(p, [(a, 600)]))["applications"][0]
    assert code(office.unapply(x, effective_date=day(11)))[0] == 422
    for wrong in ({"reason_code": "lower"}, {"reason_code": "X" * 65}, {"reason_code": None}, {"effective_date": "x"}):
        assert code(office.unapply(x, **wrong)) == (422, "VALIDATION_FAILED")
    ok(office.unapply(x, effective_date=day(5), note="said the customer"))
    dates = [e["entry_date"] for e in office.entries(p["id"])]
    assert sorted(dates) == [day(10), day(5)]


def test_unapply_of_what_a_credit_paid_is_unapplied_cash(office: Office, customer: str):
    p = office.payment(customer, 1000)
    credit = ok(office.apply(p, [], overpayment="customer_credit"))["credit_id"]
    a = office.invoice(customer, 400)
    x = ok(office.apply(credit, [(a, 400)]))["applications"][0]
    ok(office.unapply(x))
    now = office.get(p["id"])
    assert (now["unapplied_minor"], now["available_minor"], office.get(credit)["remaining_minor"]) == (1000, 400, 600)
    assert office.booked(p["id"]) == {"cash": 1000, "customer_credits": -600, "unapplied_cash": -400}
    ok(office.apply(p, [(a, 400)]))
    ok(office.reverse(p))
    assert office.booked(p["id"]) == {}


def test_reverse_restores_everything(office: Office, customer: str):
    a, b, p = office.invoice(customer, 600), office.invoice(customer, 300), office.payment(customer, 1500)
    s = ok(office.apply(p, [(a, 600)], overpayment="customer_credit"))
    ok(office.apply(s["credit_id"], [(b, 200)]))
    r = office.reverse(p, note="bounced")
    assert ok(r)["status"] == "REVERSED"
    assert p["id"] in r.headers["X-Workflow-Id"]
    assert [office.get(i["id"])["status"] for i in (a, b)] == ["OPEN", "OPEN"]
    assert office.booked(p["id"]) == {}
    now = office.get(p["id"])
    assert (now["status"], now["unapplied_minor"], now["invoice_currency_code"]) == ("REVERSED", 0, None)
    assert now["available_minor"] == 0, "whoever sums available money does not count it"
    assert all(x["unapplied_at"] for x in now["applications"])
    assert office.get(s["credit_id"])["remaining_minor"] == 0
    assert code(office.reverse(p)) == (409, "PAYMENT_REVERSED")
    assert code(office.apply(p, [(a, 1)])) == (409, "PAYMENT_REVERSED")
    assert code(office.unapply(s["applications"][0])) == (409, "PAYMENT_REVERSED")
    assert code(office.reverse("pay_none")) == (404, "PAYMENT_NOT_FOUND")
    # the invoice can be paid again
    ok(office.apply(office.payment(customer, 600), [(a, 600)]))


def test_a_key_is_its_paths_own(office: Office, customer: str):
    """The same key and the same body about another record are another request."""
    paid = [office.payment(customer, 100) for _ in range(2)]
    key, body = {"Idempotency-Key": ext("key")}, {"reason_code": "BOUNCED"}
    for p in paid:
        r = office.clerk.post(f"/v1/customer-payments/{p['id']}/reverse", json=body, headers=key)
        assert (ok(r)["id"], "Idempotent-Replayed" in r.headers) == (p["id"], False)
    assert [office.get(p["id"])["status"] for p in paid] == ["REVERSED", "REVERSED"]
    r = office.clerk.post(f"/v1/customer-payments/{paid[0]['id']}/reverse", json=body, headers=key)
    assert (ok(r)["id"], r.headers["Idempotent-Replayed"]) == (paid[0]["id"], "true")


def test_reversal_dates_and_replays(office: Office, customer: str):
    p = office.payment(customer, 5)
    assert code(office.reverse(p, reversal_date=day(11)))[0] == 422
    key = {"Idempotency-Key": ext("key")}
    url, body = f"/v1/customer-payments/{p['id']}/reverse", {"reason_code": "BOUNCED", "reversal_date": day(9)}
    first, again = (office.clerk.post(url, json=body, headers=key) for _ in range(2))
    assert (ok(again), again.headers["Idempotent-Replayed"]) == (ok(first), "true")
    assert office.entries(p["id"]) == []  # nothing had been posted
    q = office.payment(customer, 5, payment_date="2013-02-03")
    ok(office.apply(q, [], overpayment="unapplied"))
    ok(office.controller.post("/v1/periods/2013-02/close"))
    ok(office.reverse(q, reversal_date="2013-02-10"))
    assert sorted(e["entry_date"] for e in office.entries(q["id"])) == ["2013-02-03", "2013-03-01"]
    for wrong in ({}, {"reason_code": "x"}, {"reason_code": "A", "surprise": 1}):
        assert code(office.clerk.post(url, json=wrong)) == (422, "VALIDATION_FAILED")


def test_a_completed_reconciliation_blocks_the_reversal_and_names_the_way_out(office: Office, customer: str):
    a, p = office.invoice(customer, 600), office.payment(customer, 600)
    x = ok(office.apply(p, [(a, 600)]))["applications"][0]
    d = recon(office, [p["id"]])
    draft = ok(d, 201)
    assert draft["id"].startswith("recon_")
    assert (draft["status"], draft["id"] in d.headers["X-Workflow-Id"]) == ("DRAFT", True)
    done = complete(office, draft["id"])
    assert ok(done)["status"] == "COMPLETED"
    assert done.headers["X-Workflow-Id"]
    blocked = office.reverse(p)
    assert code(blocked) == (409, "RECONCILIATION_COMPLETE")
    assert f"/v1/reconciliations/{draft['id']}/reopen" in blocked.json()["detail"]
    ok(office.unapply(x))  # never blocked
    assert code(complete(office, draft["id"])) == (409, "RECONCILIATION_COMPLETE")
    url = f"/v1/reconciliations/{draft['id']}/reopen"
    assert code(office.clerk.post(url, json={"reason_code": "BANK_ERROR"})) == (403, "FORBIDDEN")
    assert code(office.manager.post(url, json={"reason_code": "BANK_ERROR"})) == (403, "FORBIDDEN")
    assert code(office.controller.post(url, json={})) == (422, "VALIDATION_FAILED")
    assert ok(office.controller.post(url, json={"reason_code": "BANK_ERROR"}))["status"] == "REOPENED"
    assert code(office.controller.post(url, json={"reason_code": "BANK_ERROR"}))[0] == 409
    assert ok(office.reverse(p))["status"] == "REVERSED"
    assert code(complete(office, draft["id"])) == (409, "PAYMENT_REVERSED")
    assert code(recon(office, [p["id"]])) == (409, "PAYMENT_REVERSED")


def test_completing_posts_receipts_that_have_no_entry(office: Office, customer: str):
    p = office.payment(customer, 600)
    before = ok(recon(office, [p["id"]]), 201)
    again = ok(recon(office, [p["id"]], statement_balance_minor=before["book_balance_minor"]), 201)
    assert again["difference_minor"] == 0
    wrong = ok(recon(office, [p["id"]], statement_balance_minor=before["book_balance_minor"] - 7), 201)
    assert wrong["difference_minor"] == -7
    refused = complete(office, wrong["id"])
    assert code(refused) == (422, "RECONCILIATION_DIFFERENCE")
    assert office.entries(p["id"]) == []
    done = ok(complete(office, again["id"]))
    assert (done["status"], done["book_balance_minor"], done["difference_minor"]) == (
        "COMPLETED",
        before["book_balance_minor"],
        0,
    )
    assert office.booked(p["id"]) == {"cash": 600, "unapplied_cash": -600}
    a = office.invoice(customer, 600)
    ok(office.apply(p, [(a, 600)]))
    assert office.booked(p["id"]) == {"cash": 600, "accounts_receivable": -600}


def test_what_a_reconciliation_refuses(office: Office, customer: str):
    office.rate("GBP", "USD", day(10), "1.25")
    british = office.payment(customer, 5, legal_entity_id="le_uk", currency_code="GBP")
    mine = office.payment(customer, 5)
    assert code(recon(office, [british["id"]])) == (422, "BANK_ACCOUNT_MISMATCH")
    assert code(recon(office, ["pay_none"])) == (404, "PAYMENT_NOT_FOUND")
    assert code(recon(office, [mine["id"]], bank="bank_none")) == (404, "BANK_ACCOUNT_NOT_FOUND")
    assert code(recon(office, [mine["id"], mine["id"]])) == (422, "VALIDATION_FAILED")
    assert code(recon(office, [mine["id"]], through_date=day(0) + "T00:00")) == (422, "VALIDATION_FAILED")
    assert code(complete(office, "recon_none")) == (404, "RECONCILIATION_NOT_FOUND")
    assert code(office.clerk.get("/v1/reconciliations/recon_none")) == (404, "RECONCILIATION_NOT_FOUND")


def test_a_closed_month_keeps_the_book_balance_of_the_bank_true(office: Office, customer: str):
    """A receipt of a closed month is booked in the next one: it is not in the closed month's book balance."""
    ok(office.controller.post("/v1/periods/2014-03/close"))
    p = office.payment(customer, 900, payment_date="2014-03-10")
    draft = ok(recon(office, [p["id"]], through_date="2014-03-31", statement_balance_minor=0), 201)
    assert (draft["book_balance_minor"], draft["difference_minor"]) == (0, 0)
    done = ok(complete(office, draft["id"]))
    assert (done["book_balance_minor"], office.entries(p["id"])[0]["entry_date"]) == (0, "2014-04-01")


def test_closing_a_month_posts_its_receipts_and_closes_once(office: Office, customer: str):
    p = office.payment(customer, 900, payment_date="2014-06-30")
    later = office.payment(customer, 900, payment_date="2014-07-01")
    closed = ok(office.controller.post("/v1/periods/2014-06/close"))
    assert (closed["period"], closed["status"]) == ("2014-06", "closed")
    assert office.booked(p["id"]) == {"cash": 900, "unapplied_cash": -900}
    assert [e["entry_date"] for e in office.entries(p["id"])] == ["2014-06-30"]
    assert office.entries(later["id"]) == []
    again = office.controller.post("/v1/periods/2014-06/close")
    assert (ok(again)["status"], again.headers["Idempotent-Replayed"]) == ("closed", "true")
    assert ok(office.controller.post("/v1/periods/2014-06/reopen"))["status"] == "open"
    assert ok(office.controller.post("/v1/periods/2014-06/reopen"))["status"] == "open"
    for wrong in ("2014-13", "2014", "201406", "x", "0000-01", "9999-12"):
        assert code(office.controller.post(f"/v1/periods/{wrong}/close")) == (422, "VALIDATION_FAILED")
    assert code(office.manager.post("/v1/periods/2014-06/close")) == (403, "FORBIDDEN")


def test_receipts_posted_at_receipt(office: Office, customer: str):
    ok(office.controller.patch("/v1/settings", json={"receipt_posting": "at_receipt"}))
    try:
        p = office.payment(customer, 900)
        assert office.booked(p["id"]) == {"cash": 900, "unapplied_cash": -900}
        a = office.invoice(customer, 500)
        ok(office.apply(p, [(a, 500)], overpayment="customer_credit"))
        assert office.booked(p["id"]) == {"cash": 900, "accounts_receivable": -500, "customer_credits": -400}
        ok(office.reverse(p))
        assert office.booked(p["id"]) == {}
    finally:
        ok(office.controller.patch("/v1/settings", json={"receipt_posting": "on_application"}))
    assert ok(office.clerk.get("/v1/settings"))["receipt_posting"] == "on_application"
    bad = office.controller.patch("/v1/settings", json={"receipt_posting": "never"})
    assert code(bad) == (422, "VALIDATION_FAILED")
    assert code(office.clerk.patch("/v1/settings", json={"receipt_posting": "at_receipt"})) == (403, "FORBIDDEN")


@pytest.mark.parametrize("ahead", [0, 5])
def test_a_reversal_is_dated_today_and_never_before_the_payment(office: Office, customer: str, ahead: int):
    paid = day(-ahead)
    p = office.payment(customer, 900, payment_date=paid)
    ok(office.apply(p, [], overpayment="unapplied"))
    ok(office.reverse(p))
    assert [e["entry_date"] for e in office.entries(p["id"])] == [paid, paid]
    assert month_of(paid)
