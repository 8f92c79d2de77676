"""What a customer's record does elsewhere: terms and limits on invoices, certificates on a desk."""

from datetime import UTC, datetime, timedelta

from models.db.engine import make_engine, transaction
from operations.customers.certificates import watch_certificates
from tests.customers.desk import Desk, fresh, ok


def test_an_entitys_own_terms_and_limit_hold_for_its_invoices(desk: Desk):
    override = {"legal_entity_id": "le_uk", "payment_terms": "NET60", "credit_limit": 10}
    customer = desk.customer(payment_terms="NET30", credit_limit=1000, entity_overrides=[override])
    body = {"customer_id": customer, "issue_date": "2026-01-01", "currency_code": "GBP", "total_minor": 1001}
    uk = ok(desk("u_clerk").post("/v1/invoices", json=body | {"external_id": fresh(), "legal_entity_id": "le_uk"}), 201)
    assert (uk["due_date"], [w["code"] for w in uk["warnings"]]) == ("2026-03-02", ["CREDIT_LIMIT_EXCEEDED"])
    usd = body | {"external_id": fresh(), "currency_code": "USD"}
    us = ok(desk("u_clerk").post("/v1/invoices", json=usd), 201)
    assert (us["due_date"], us["warnings"]) == ("2026-01-31", [])


def codes(invoice: dict) -> list[str]:
    return [w["code"] for w in invoice["warnings"]]


def test_a_limit_in_another_currency_is_looked_at_in_that_currency(own_desk: Desk):
    desk, today = own_desk, datetime.now(UTC).date().isoformat()
    rates = [("EUR", "GBP", "0.80"), ("EUR", "USD", "1.25")]
    for base, quote, rate in rates:
        body = {"base_currency": base, "quote_currency": quote, "rate_date": today, "rate": rate}
        ok(desk("u_controller").post("/v1/fx-rates", json=body), 201)
    override = {"legal_entity_id": "le_uk", "credit_limit": "100.50", "credit_limit_currency": "EUR"}
    customer = desk.customer(credit_limit="10", entity_overrides=[override])

    def invoice(minor: int, currency: str, entity: str = "le_uk") -> dict:
        body = {"customer_id": customer, "external_id": fresh(), "issue_date": today, "legal_entity_id": entity}
        return ok(
            desk("u_clerk").post("/v1/invoices", json=body | {"currency_code": currency, "total_minor": minor}), 201
        )

    assert codes(invoice(6_000, "EUR")) == []
    assert codes(invoice(3_240, "GBP")) == []  # 40.50 EUR more: exactly at the limit
    over = invoice(1, "GBP")
    assert codes(over) == ["CREDIT_LIMIT_EXCEEDED"]
    assert "100.50 EUR" in over["warnings"][0]["detail"]
    assert codes(invoice(1_000, "USD", "le_us")) == []  # the entity's own limit stands alone, and so does the master's
    assert codes(invoice(1, "USD", "le_us")) == ["CREDIT_LIMIT_EXCEEDED"]


def test_a_limit_that_no_rate_leads_to_is_said_not_to_be_looked_at(own_desk: Desk):
    desk, today = own_desk, datetime.now(UTC).date().isoformat()
    customer = desk.customer(credit_limit="1", currency_code="KWD")
    body = {"customer_id": customer, "external_id": fresh(), "issue_date": today, "currency_code": "USD"}
    found = ok(desk("u_clerk").post("/v1/invoices", json=body | {"total_minor": 10**9}), 201)
    assert codes(found) == ["CREDIT_LIMIT_NOT_CHECKED"]


def test_an_expiring_certificate_is_on_a_desk_ahead_of_time(own_desk: Desk, database_url: str):
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
