"""Currencies: exponents, rates, both amounts on record, settlement within a minor unit, realised gain and loss."""

import pytest

from tests.api.office import Office, code, day, ext, ok


@pytest.fixture(scope="module", autouse=True)
def rates(office: Office) -> None:
    """GBP 1.25 when invoices are issued, 1.30 when they are paid; yen and dinars beside."""
    for base, issued, paid in (("GBP", "1.25", "1.30"), ("JPY", "0.0067", "0.0065"), ("KWD", "3.25", "3.20")):
        office.rate(base, "USD", day(60), issued)
        office.rate(base, "USD", day(10), paid)


def functional(office: Office, source_id: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for e in office.entries(source_id):
        for x in e["lines"]:
            net = x["functional_debit_minor"] - x["functional_credit_minor"]
            sums[x["account"]] = sums.get(x["account"], 0) + net
    return {k: v for k, v in sums.items() if v}


def test_a_pound_payment_on_a_dollar_invoice(office: Office, customer: str):
    i, p = office.invoice(customer, 13000), office.payment(customer, 10000, currency_code="GBP")
    s = ok(office.apply(p, [(i, 10000)]))
    (x,) = s["applications"]
    assert x.items() >= {
        "applied_minor": 10000, "currency_code": "GBP", "invoice_applied_minor": 13000, "invoice_currency_code": "USD",
    }.items()  # fmt: skip
    assert float(x["fx_rate"]) == 1.3
    assert s["invoices"] == [{"id": i["id"], "status": "PAID", "balance_due_minor": 0}]
    now = office.get(p["id"])
    assert (now["currency_code"], now["invoice_currency_code"], now["status"]) == ("GBP", "USD", "FULLY_APPLIED")
    # both at the rate of the payment date: no gain
    assert functional(office, p["id"]) == {"cash": 13000, "accounts_receivable": -13000}
    lines = office.entries(p["id"])[0]["lines"]
    assert {(y["account"], y["currency_code"]) for y in lines} == {("cash", "GBP"), ("accounts_receivable", "USD")}


def test_a_dollar_payment_on_a_pound_invoice_realises_the_difference(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="GBP")  # 125.00 in the books
    p = office.payment(customer, 13000)
    s = ok(office.apply(p, [(i, 13000)]))  # inverse rate: settles
    assert s["invoices"][0]["status"] == "PAID"
    assert s["applications"][0]["invoice_applied_minor"] == 10000
    assert functional(office, p["id"]) == {"cash": 13000, "accounts_receivable": -12500, "fx_gain_loss": -500}


def test_a_gain_within_one_foreign_currency(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="GBP")
    p = office.payment(customer, 10000, currency_code="GBP")
    s = ok(office.apply(p, [(i, 4000)]))
    assert s["applications"][0]["fx_rate"] == "1"
    assert functional(office, p["id"]) == {
        "cash": 13000, "accounts_receivable": -5000, "unapplied_cash": -7800, "fx_gain_loss": -200,
    }  # fmt: skip
    ok(office.apply(p, [(i, 6000)]))
    assert functional(office, p["id"]) == {"cash": 13000, "accounts_receivable": -12500, "fx_gain_loss": -500}
    ok(office.reverse(p))
    assert functional(office, p["id"]) == {}


def test_a_loss_and_its_unapply(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="KWD")  # 10.000 KWD = 32.50 USD
    p = office.payment(customer, 10000, currency_code="KWD")  # 32.00 USD
    loss = {"cash": 3200, "accounts_receivable": -3250, "fx_gain_loss": 50}
    x = ok(office.apply(p, [(i, 10000)]))["applications"][0]
    assert functional(office, p["id"]) == loss
    ok(office.unapply(x))
    assert functional(office, p["id"]) == {"cash": 3200, "unapplied_cash": -3200}
    ok(office.apply(p, [(i, 10000)]))  # what was given back is what was received, not what was relieved
    assert functional(office, p["id"]) == loss


def test_exponents_of_yen_and_dinar(office: Office, customer: str):
    i = office.invoice(customer, 100000, currency_code="KWD")  # 100.000 KWD
    p = office.payment(customer, 50000, currency_code="JPY")  # 50,000 JPY
    s = ok(office.apply(p, [], overpayment="unapplied"))
    assert functional(office, p["id"]) == {"cash": 32500, "unapplied_cash": -32500}
    # JPY to KWD crosses USD: 0.0065 / 3.20
    s = ok(office.apply(p, [(i, 40000)]))
    assert s["applications"][0]["invoice_applied_minor"] == 81250  # 81.250 KWD
    assert s["invoices"][0]["balance_due_minor"] == 18750


def test_a_stated_rate_and_stated_amounts(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="GBP")
    p = office.payment(customer, 100000)
    line = {"invoice_id": i["id"], "applied_minor": 1000}
    by_rate = ok(office.apply(p, [], lines=[line | {"fx_rate": "0.7777"}], overpayment="unapplied"))
    assert by_rate["applications"][0]["invoice_applied_minor"] == 778  # 777.7, half-even
    assert by_rate["applications"][0]["fx_rate"] == "0.7777"
    exact = ok(office.apply(p, [], lines=[line | {"invoice_applied_minor": 801}]))
    assert exact["applications"][0]["invoice_applied_minor"] == 801
    assert float(exact["applications"][0]["fx_rate"]) == pytest.approx(0.801)
    number = ok(office.apply(p, [], lines=[line | {"fx_rate": 0.5}]))
    assert number["applications"][0]["invoice_applied_minor"] == 500
    too_much = office.apply(p, [], lines=[line | {"invoice_applied_minor": 10001}])
    assert code(too_much) == (422, "APPLIED_EXCEEDS_BALANCE")


@pytest.mark.parametrize(("applied", "settles"), [(12498, False), (12499, True), (12500, True), (12501, True)])
def test_one_minor_unit_of_the_payment_settles(office: Office, customer: str, applied: int, settles: bool):
    i = office.invoice(customer, 10000, currency_code="GBP")
    p = office.payment(customer, applied)
    r = office.apply(p, [], lines=[{"invoice_id": i["id"], "applied_minor": applied, "fx_rate": "0.8"}])
    assert (ok(r)["invoices"][0]["status"] == "PAID") is settles
    assert ok(r)["status"] == "FULLY_APPLIED"


def test_half_even(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="GBP")
    p = office.payment(customer, 11)
    for applied, expected in ((5, 2), (3, 2), (1, 0)):
        r = office.apply(p, [], lines=[{"invoice_id": i["id"], "applied_minor": applied, "fx_rate": "0.5"}], dry=True)
        if expected:
            assert ok(r)["applications"][0]["invoice_applied_minor"] == expected
        else:
            assert r.status_code == 422


def test_the_overpayment_is_measured_at_the_rate(office: Office, customer: str):
    i = office.invoice(customer, 10000, currency_code="GBP")
    p = office.payment(customer, 13002)
    r = office.apply(p, [(i, 13000)])
    assert code(r) == (422, "OVERPAYMENT_REQUIRES_CREDIT")
    assert r.json()["open_balance_minor"] == 13000
    s = ok(office.apply(p, [(i, 13000)], overpayment="customer_credit"))
    assert office.get(s["credit_id"])["amount_minor"] == 2
    assert functional(office, p["id"]) == {
        "cash": 13002, "accounts_receivable": -12500, "customer_credits": -2, "fx_gain_loss": -500,
    }  # fmt: skip


def test_a_foreign_credit_keeps_its_receipts_rate(office: Office, customer: str):
    p = office.payment(customer, 10000, currency_code="GBP")  # 130.00
    credit = ok(office.apply(p, [], overpayment="customer_credit"))["credit_id"]
    i = office.invoice(customer, 10000, currency_code="GBP")  # 125.00
    ok(office.apply(credit, [(i, 3333)]))
    assert functional(office, p["id"])["customer_credits"] == -(13000 - 4333)
    ok(office.apply(credit, [(i, 6667)]))
    assert functional(office, p["id"]) == {"cash": 13000, "accounts_receivable": -12500, "fx_gain_loss": -500}


def test_no_rate_no_application(office: Office, customer: str):
    office.rate("SEK", "USD", day(60), "0.09")
    i = office.invoice(customer, 1000, currency_code="SEK")
    p = office.payment(customer, 90)
    r = office.apply(p, [(i, 90)])
    assert code(r) == (422, "FX_RATE_MISSING")
    ok(office.apply(p, [], lines=[{"invoice_id": i["id"], "applied_minor": 90, "fx_rate": "11.111"}]))
    unrated = {
        "customer_id": customer, "external_id": ext(), "issue_date": "2001-01-09", "currency_code": "BHD", "total_minor": 5,
    }  # fmt: skip
    office.rate("BHD", "USD", "2001-01-01", "2.6")  # a day too old
    assert code(office.clerk.post("/v1/invoices", json=unrated)) == (422, "FX_RATE_MISSING")
    ok(office.clerk.post("/v1/invoices", json=unrated | {"issue_date": "2001-01-08"}), 201)


def test_sessions_in_two_currencies_leave_no_invoice_currency(office: Office, customer: str):
    a, b = office.invoice(customer, 1000), office.invoice(customer, 1000, currency_code="GBP")
    p = office.payment(customer, 2000)
    ok(office.apply(p, [(a, 1000)], overpayment="unapplied"))
    assert office.get(p["id"])["invoice_currency_code"] == "USD"
    s = ok(office.apply(p, [(b, 500)]))
    assert office.get(p["id"])["invoice_currency_code"] is None
    assert [o["currency_code"] for o in s["outstanding_balances"]] == ["GBP"]
    ok(office.unapply(s["applications"][0]))
    assert office.get(p["id"])["invoice_currency_code"] == "USD"


def test_rates_are_kept_as_written(office: Office):
    said = office.rate("CHF", "USD", day(3), "1.100")
    assert (said["base_currency"], said["quote_currency"], said["rate_date"]) == ("CHF", "USD", day(3))
    assert float(said["rate"]) == 1.1
    assert isinstance(said["rate"], str)
    as_number = office.rate("CHF", "USD", day(2), 1.2)
    assert as_number["rate"] == "1.2"
    listed = ok(office.clerk.get("/v1/fx-rates", params={"base_currency": "CHF"}))["items"]
    assert [(r["rate_date"], float(r["rate"])) for r in listed] == [(day(2), 1.2), (day(3), 1.1)]
    good = {"base_currency": "CHF", "quote_currency": "USD", "rate_date": day(1), "rate": "1"}
    for wrong in (
        {"rate": "0"}, {"rate": -1}, {"rate": "abc"}, {"rate": True}, {"rate": "1e400"}, {"rate_date": "x"},
        {"base_currency": "USD"}, {"base_currency": "ZZZ"}, {"surprise": 1},
    ):  # fmt: skip
        r = office.controller.post("/v1/fx-rates", json=good | wrong)
        assert code(r) == (422, "VALIDATION_FAILED"), wrong
    r = office.controller.post(
        "/v1/fx-rates", content=b'{"base_currency":"CHF","quote_currency":"USD","rate_date":"2020-01-01","rate":1e-40}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert code(r) == (422, "VALIDATION_FAILED")
