"""Master data, settings and periods."""

from typing import Any

from tests.api.office import Office, code, ext, ok


def test_an_organisation_starts_with_its_defaults(office: Office):
    def listed(noun: str) -> list[dict]:
        page = ok(office.clerk.get(f"/v1/{noun}"))
        assert page["next_cursor"] is None
        return page["items"]

    assert {(e["id"], e["functional_currency"]) for e in listed("legal-entities")} == {
        ("le_us", "USD"),
        ("le_uk", "GBP"),
    }
    assert {(b["id"], b["legal_entity_id"]) for b in listed("bank-accounts")} == {
        ("bank_us", "le_us"),
        ("bank_uk", "le_uk"),
    }
    assert {(t["code"], t["days"]) for t in listed("payment-terms")} == {("NET30", 30), ("NET45", 45), ("NET60", 60)}
    assert {a["key"] for a in listed("accounts")} >= {
        "cash", "accounts_receivable", "unapplied_cash", "customer_credits", "revenue", "tax_payable", "fx_gain_loss",
        "write_off",
    }  # fmt: skip
    assert listed("dimensions") == []


def test_lists_of_master_data_page_like_every_other(office: Office):
    for noun in ("legal-entities", "bank-accounts", "payment-terms", "accounts", "dimensions", "periods"):
        url, whole = f"/v1/{noun}", ok(office.clerk.get(f"/v1/{noun}"))["items"]
        paged: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = ok(office.clerk.get(url, params={"limit": 1, "cursor": cursor}))
            assert len(page["items"]) <= 1
            paged += page["items"]
            cursor = page["next_cursor"]
        assert paged == whole
        for wrong in ({"limit": 0}, {"limit": 201}, {"cursor": "garbage"}):
            assert code(office.clerk.get(url, params=wrong)) == (422, "VALIDATION_FAILED")


def test_master_data_can_be_added_and_used(office: Office, customer: str):
    post = office.controller.post
    ok(post("/v1/legal-entities", json={"id": "le_jp", "name": "Japan KK", "functional_currency": "JPY"}), 201)
    bank = {"id": "bank_jp", "legal_entity_id": "le_jp", "currency_code": "JPY", "name": "Main"}
    ok(post("/v1/bank-accounts", json=bank), 201)
    assert code(post("/v1/bank-accounts", json=bank)) == (409, "ALREADY_EXISTS")
    assert code(post("/v1/bank-accounts", json=bank | {"legal_entity_id": "le_x", "id": "b"})) == (
        404,
        "LEGAL_ENTITY_NOT_FOUND",
    )
    p = office.payment(customer, 5000, bank_account_id="bank_jp", currency_code="JPY")
    assert (p["legal_entity_id"], p["functional_amount_minor"]) == ("le_jp", 5000)
    ok(post("/v1/bank-accounts", json=bank | {"id": "bank_jp2"}), 201)
    two = office.payment_body(customer, 5000, legal_entity_id="le_jp", currency_code="JPY")
    assert code(office.clerk.post("/v1/customer-payments", json=two)) == (422, "BANK_ACCOUNT_REQUIRED")
    ok(post("/v1/accounts", json={"key": "consulting", "code": "4100", "name": "Consulting", "kind": "revenue"}), 201)
    ok(post("/v1/dimensions", json={"type": "department", "code": "SALES", "name": "Sales"}), 201)
    again = post("/v1/dimensions", json={"type": "department", "code": "SALES", "name": "Sales"})
    assert code(again) == (409, "ALREADY_EXISTS")
    assert ok(office.auditor.get("/v1/dimensions"))["items"] == [
        {"type": "department", "code": "SALES", "name": "Sales"}
    ]


def test_settings_answer_whole(office: Office):
    before = ok(office.clerk.get("/v1/settings"))
    assert (before["receipt_posting"], before["payment_date_horizon_days"]) == ("on_application", 7)
    changed = ok(office.cfo.patch("/v1/settings", json={"payment_date_horizon_days": 3}))
    assert changed == before | {"payment_date_horizon_days": 3} == ok(office.clerk.get("/v1/settings"))
    assert ok(office.cfo.patch("/v1/settings", json={"payment_date_horizon_days": None})) == before
    assert ok(office.cfo.patch("/v1/settings", json={})) == before
    for wrong in ({"payment_date_horizon_days": -1}, {"surprise": 1}, {"receipt_posting": 1}):
        assert code(office.cfo.patch("/v1/settings", json=wrong)) == (422, "VALIDATION_FAILED")


def test_periods_are_open_until_closed(office: Office):
    assert ok(office.clerk.get("/v1/periods"))["items"] == []
    key = {"Idempotency-Key": ext()}
    first, again = (office.controller.post("/v1/periods/2009-03/close", headers=key) for _ in range(2))
    assert (ok(first), again.headers["Idempotent-Replayed"]) == (ok(again), "true")
    (period,) = ok(office.clerk.get("/v1/periods"))["items"]
    assert (period["period"], period["status"]) == ("2009-03", "closed")
    with_reason = office.controller.post("/v1/periods/2009-03/reopen", json={"reason_code": "LATE_INVOICE"})
    assert ok(with_reason)["status"] == "open"


def test_one_rate_is_answered_as_it_is_listed_and_several_are_counted(office: Office):
    rate = {"base_currency": "CHF", "quote_currency": "USD", "rate_date": "2008-05-05", "rate": "1.0100"}
    one = ok(office.controller.post("/v1/fx-rates", json=rate), 201)
    assert one["rate"] == "1.0100"
    (listed,) = ok(office.clerk.get("/v1/fx-rates?base_currency=CHF"))["items"]
    assert listed == one
    assert ok(office.controller.put("/v1/fx-rates", json={"rates": [rate | {"rate": "1.02"}]})) == {"stored": 1}
    assert ok(office.controller.put("/v1/fx-rates", json={"rates": [rate, rate | {"rate_date": "2008-05-06"}]})) == {
        "stored": 2
    }
    days = [r["rate_date"] for r in ok(office.clerk.get("/v1/fx-rates?base_currency=CHF&quote_currency=USD"))["items"]]
    assert days == ["2008-05-06", "2008-05-05"]
    assert ok(office.clerk.get("/v1/fx-rates?base_currency=CHF&quote_currency=GBP"))["items"] == []


def test_a_month_is_closed_and_opened_without_a_body_as_with_an_empty_one(office: Office):
    key = {"Idempotency-Key": ext()}
    bare = office.controller.post("/v1/periods/2009-05/close", headers=key)
    empty = office.controller.post("/v1/periods/2009-05/close", headers=key, json={})
    assert ok(bare) == ok(empty) == {"period": "2009-05", "status": "closed", "receipts_posted": 0}
    assert empty.headers["Idempotent-Replayed"] == "true"
    assert ok(office.controller.post("/v1/periods/2009-05/reopen"))["status"] == "open"
    again = office.controller.post("/v1/periods/2009-05/reopen")
    assert (ok(again)["receipts_posted"], again.headers["Idempotent-Replayed"]) == (0, "true")
