"""What stands before every approver, beside the change itself; and what is said of ids that nobody has."""

from datetime import date

import pytest

from tests.customers.desk import Desk, fresh, ok, refused


def warned(change: dict) -> dict[str, str]:
    return {w["code"]: w["detail"] for w in change["warnings"]}


def owing(desk: Desk, minor: int, currency: str = "USD", **fields: object) -> str:
    customer = desk.customer(**fields)
    invoice = {"customer_id": customer, "external_id": fresh(), "issue_date": str(date(2026, 1, 2)), "currency_code": currency,
               "total_minor": minor}  # fmt: skip
    ok(desk("u_clerk").post("/v1/invoices", json=invoice), 201)
    return customer


def test_a_limit_below_what_is_open_is_told_with_both_amounts(desk: Desk):
    customer = owing(desk, 1_234_56, credit_limit=5000)
    change = desk.patch(customer, credit_limit=1000)
    detail = warned(change)["CREDIT_LIMIT_BELOW_OPEN"]
    assert ("1,234.56 USD" in detail, "1,000 USD" in detail) == (True, True)
    assert warned(desk.change(change)) == warned(change)
    assert "CREDIT_LIMIT_BELOW_OPEN" not in warned(desk.patch(customer, credit_limit="1234.56"))
    assert "CREDIT_LIMIT_BELOW_OPEN" not in warned(desk.patch(customer, notes="x"))


def test_a_limit_that_becomes_another_by_its_currency_alone_is_told(desk: Desk):
    customer = desk.customer(credit_limit=5000, currency_code="USD")
    change = desk.patch(customer, currency_code="JPY")
    assert "was 5,000 USD and becomes 5,000 JPY" in warned(change)["CREDIT_LIMIT_CURRENCY"]
    assert "CREDIT_LIMIT_CURRENCY" not in warned(desk.patch(customer, currency_code="JPY", credit_limit=700_000))
    bare = desk.customer(currency_code="USD")
    assert "CREDIT_LIMIT_CURRENCY" not in warned(desk.patch(bare, currency_code="JPY"))


def test_what_one_entity_sees_is_told_of_too(desk: Desk):
    customer = owing(desk, 900_00, "GBP", legal_entity_id="le_uk")
    override = {"legal_entity_id": "le_us", "action": "add", "credit_limit": 800, "credit_limit_currency": "GBP"}
    change = desk.patch(customer, entity_overrides=[override])
    assert warned(change)["CREDIT_LIMIT_BELOW_OPEN"].startswith("At le_us: 900.00 GBP")
    desk.approve(change)
    again = desk.patch(customer, entity_overrides=[override | {"action": "update", "credit_limit_currency": "USD"}])
    assert "800 GBP and becomes 800 USD" in warned(again)["CREDIT_LIMIT_CURRENCY"]


def test_an_amount_is_told_with_its_currencys_decimals(desk: Desk):
    rate = {"base_currency": "KWD", "quote_currency": "USD", "rate_date": "2026-01-02", "rate": "3.25"}
    ok(desk("u_controller").post("/v1/fx-rates", json=rate), 201)
    customer = owing(desk, 2_500, "KWD", currency_code="KWD")
    assert (
        "2.500 KWD are open, more than the new limit of 1.500 KWD"
        in warned(desk.patch(customer, credit_limit="1.5"))["CREDIT_LIMIT_BELOW_OPEN"]
    )


@pytest.mark.parametrize("reason", [None, "", "lower case"])
def test_an_erasure_asks_why(desk: Desk, reason: str | None):
    customer = desk.customer()
    query = {"mode": "hard"} | ({} if reason is None else {"reason_code": reason})
    refused(desk("u_clerk").delete(f"/v1/customers/{customer}", params=query), 422,
            "REASON_REQUIRED" if reason is None else "VALIDATION_FAILED")  # fmt: skip


def test_a_deactivation_without_a_reason_says_so_to_whoever_decides(desk: Desk):
    customer = desk.customer()
    change = ok(desk("u_clerk").delete(f"/v1/customers/{customer}"), 202)
    assert [w["code"] for w in desk.change(change)["warnings"]] == ["REASON_MISSING"]
    told = ok(desk("u_clerk").delete(f"/v1/customers/{desk.customer()}", params={"reason_code": "LEFT"}), 202)
    assert told["warnings"] == []


def test_a_step_given_to_somebody_whom_nobody_knows_is_told_to_be_so(own_desk: Desk):
    desk = own_desk
    change = desk.submit()
    url = f"/v1/customer-changes/{change['change_id']}/delegate"
    desk.approve(desk.submit(), "u_manager", "u_controller")
    given = ok(desk("u_manager").post(url, json={"step": 1, "to_user_id": "u_mangaer2"}))
    assert "u_mangaer2" in warned(given)["DELEGATE_UNKNOWN"]
    desk.approve(desk.submit(), "u_manager2", "u_controller")
    known = ok(desk("u_manager").post(url, json={"step": 1, "to_user_id": "u_manager2"}))
    assert "DELEGATE_UNKNOWN" not in warned(known)


def test_a_fallback_that_nobody_is_is_told_to_be_so(own_desk: Desk):
    desk = own_desk
    desk.approve(desk.submit())
    for fallback, code in (("u_bsos", ["FALLBACK_UNKNOWN"]), ("u_manager", []), ("cfo", [])):
        steps = [{"role": "ar_manager", "fallback": fallback}, {"role": "controller"}]
        said = ok(desk("u_controller").put("/v1/approval-policies", json={"operations": {"create": {"steps": steps}}}))
        assert [w["code"] for w in said["warnings"]] == code
    read = ok(desk("u_controller").get("/v1/approval-policies"))
    assert ok(desk("u_controller").put("/v1/approval-policies", json=read))["operations"] == read["operations"]
