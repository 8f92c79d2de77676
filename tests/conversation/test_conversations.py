"""Whole conversations, played by a model that follows a script: each ends with what the database says."""

from typing import Any

import pytest

from tests.api.office import Office, csv_statement, day, ext, ok
from tests.conversation.script import commit, decide, talk
from tests.customers.desk import Desk

US = {"legal_entity_id": "le_us", "country": "US", "city": "Boston", "postal_code": "02110", "terms": "net 45"}
UK = {"legal_entity_id": "le_uk", "country": "GB", "city": "Leeds", "postal_code": "LS1 4AP", "terms": "30 days"}


@pytest.mark.parametrize("where", [US, UK], ids=["us", "uk"])
async def test_set_up_a_customer_with_two_addresses_until_it_is_visible(office: Office, where: dict[str, str]) -> None:
    name = ext("Acme")
    address = {
        "lines": ["1 High St"],
        "city": where["city"],
        "postal_code": where["postal_code"],
        "country": where["country"],
    }

    def create(last: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        assert last["questions"] == []
        return "propose_customer_create", {
            "name": name, "email": f"{ext()}@example.com", "legal_entity_id": where["legal_entity_id"],
            "payment_terms": last["terms"]["code"],
            "addresses": [{"type": kind, **address} for kind in ("billing", "shipping")],
        }  # fmt: skip

    said = await talk(
        office, "u_clerk", lambda _: ("find_customers", {"query": name}), lambda _: ("read_words", {"terms": where["terms"]}),
        create, commit,
    )  # fmt: skip
    assert [said[0]["match"], said[-1]["status"]] == ["none", "COMMITTED"]
    change, customer = said[-1]["result"]["change_id"], said[-2]["record_id"]
    for person, role in (("u_manager", "ar_manager"), ("u_controller", "controller")):
        await decide(office, person, role, change)
    seen = await talk(office, "u_clerk", lambda _: ("find_customers", {"query": name}))
    assert [seen[0]["match"], seen[0]["items"][0]["id"]] == ["one", customer]
    assert len(ok(office.clerk.get(f"/v1/customers/{customer}"))["addresses"]) == 2
    trail = [e for e in office.audit(change) if e["action"].endswith(("submitted", "decided"))]
    assert [e["actor"] for e in trail] == ["u_clerk", "u_manager", "u_controller"]
    assert all(e["conversation"]["effect_hash"] for e in trail)


@pytest.mark.parametrize(("entity", "bank", "currency"), [("le_us", "bank_us", "USD"), ("le_uk", "bank_uk", "GBP")])
async def test_apply_todays_receipts(office: Office, entity: str, bank: str, currency: str) -> None:
    (customer,) = office.make_customers([{"name": ext("Payer"), "entity": entity}])
    invoices = [
        office.invoice(customer, minor, currency_code=currency, legal_entity_id=entity, due_date=day(40 - n))
        for n, minor in enumerate((30_000, 20_000, 90_000, 10_000))
    ]
    ok(office.clerk.post(f"/v1/invoices/{invoices[1]['id']}/dispute", json={"reason_code": "WRONG_PRICE"}))
    payment = office.payment(
        customer,
        130_000,
        currency_code=currency,
        legal_entity_id=entity,
        bank_account_id=bank,
        remittance_text="see letter",
    )
    said = await talk(
        office, "u_clerk",
        lambda _: ("unmatched_receipts", {"limit": 50}),
        lambda _: ("open_invoices", {"customer_id": customer, "which": "everything but the disputed one"}),
        lambda last: ("propose_application", {
            "payment_id": payment["id"],
            "applications": [
                {"invoice_id": i["id"], "applied_minor": i["balance_due_minor"]}
                for i in last["items"] if i["id"] in last["selected"]
            ],
        }),
        commit,
        lambda _: ("aging", {"customer_id": customer}),
        lambda _: ("explain_record", {"id": payment["id"]}),
    )  # fmt: skip
    assert payment["id"] in {r["payment"]["id"] for r in said[0]["items"]}
    assert said[3]["result"]["status"] == "FULLY_APPLIED"
    assert said[4]["unapplied_minor"] == 0
    assert len(said[5]["journal_entries"]) == 1
    assert [office.get(i["id"])["balance_due_minor"] for i in invoices] == [0, 20_000, 0, 0]
    assert office.booked(payment["id"]) == {"cash": 130_000, "accounts_receivable": -130_000}


async def test_a_wrong_match_is_found_explained_and_undone(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 700), office.payment(customer, 700)
    application = ok(office.apply(payment, [(invoice, 700)]))["applications"][0]["id"]
    said = await talk(
        office, "u_clerk",
        lambda _: ("explain_match", {"payment_id": payment["id"]}),
        lambda last: ("propose_undo", {"application_id": last["payment"]["applications"][0]["id"], "reason_code": "WRONG_MATCH"}),
        commit,
    )  # fmt: skip
    assert said[1]["record_id"] == application
    assert office.get(invoice["id"])["balance_due_minor"] == 700
    assert office.get(payment["id"])["status"] == "UNAPPLIED"


async def test_a_confused_model_commits_again_and_again(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 700), office.payment(customer, 700)
    lines = {"payment_id": payment["id"], "applications": [{"invoice_id": invoice["id"], "applied_minor": 700}]}
    said = await talk(office, "u_clerk", lambda _: ("propose_application", lines), *([commit] * 12))
    assert {s["result"]["session_id"] for s in said[1:]} == {said[1]["result"]["session_id"]}
    assert office.booked(payment["id"]) == {"cash": 700, "accounts_receivable": -700}


async def test_a_person_who_says_no_and_a_question_that_comes_back(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 700), office.payment(customer, 700)
    lines = {"payment_id": payment["id"], "applications": [{"invoice_id": invoice["id"], "applied_minor": 700}]}
    said = await talk(
        office, "u_clerk", lambda _: ("read_words", {"date": "3/4", "amount": "a hundred thousand dollars"}),
        lambda _: ("propose_application", lines), commit, says="decline",
    )  # fmt: skip
    assert said[0]["date"] is None
    assert said[0]["amount"] == {"minor": 10_000_000, "currency_code": "USD"}
    assert len(said[0]["questions"]) == 1
    assert said[-1]["status"] == "DECLINED"
    assert office.get(payment["id"])["status"] == "UNAPPLIED"


async def test_a_receipt_of_nobody_is_assigned_and_applied(office: Office) -> None:
    customer = office.customer()
    invoice = office.invoice(customer, 43_21)
    statement = office.statement(csv_statement((day(1), "43.21", "USD", ext("Stranger"), "x", "thank you")))
    payment = statement["lines"][0]["payment_id"]
    lines = [{"invoice_id": invoice["id"], "applied_minor": 4_321}]
    said = await talk(
        office, "u_clerk",
        lambda _: ("propose_assignment", {"payment_id": payment, "customer_id": customer}), commit,
        lambda _: ("propose_application", {"payment_id": payment, "applications": lines}), commit,
    )  # fmt: skip
    assert [s.get("status") for s in said[1::2]] == ["COMMITTED", "COMMITTED"]
    assert office.get(invoice["id"])["status"] == "PAID"


async def test_prepare_a_meeting_and_change_a_phone_number(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    customer = desk.customer(name=ext("Northwind"))
    said = await talk(
        office, "u_ae",
        lambda _: ("prepare_customer_meeting", {"customer_id": customer}),
        lambda _: ("propose_customer_update", {"customer_id": customer, "phone": "+1 617 555 0100"}), commit,
    )  # fmt: skip
    assert said[0]["view"]["customer"]["id"] == customer
    assert said[2]["status"] == "COMMITTED"
    desk.approve({"change_id": said[2]["result"]["change_id"]})
    assert desk.read(customer)["phone"] == "+1 617 555 0100"
    desk.close()
