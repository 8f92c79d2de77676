"""Whole conversations about words that are asked back, names that fit several, who may decide, and a day of cash to its end."""

from typing import Any

import pytest

from tests.api.office import Office, code, csv_statement, day, ext, ok
from tests.conversation.script import commit, decide, say, talk
from tests.customers.desk import Desk


@pytest.mark.parametrize(
    ("entity", "bank", "currency"), [("le_us", "bank_us", "USD"), ("le_uk", "bank_uk", "GBP")], ids=["us", "uk"]
)
async def test_todays_receipts_from_the_banks_file_until_the_account_is_reconciled(
    office: Office, entity: str, bank: str, currency: str
) -> None:
    (customer,) = office.make_customers([{"name": ext("Payer"), "entity": entity}])
    house = {"currency_code": currency, "legal_entity_id": entity}
    invoices = [office.invoice(customer, minor, due_date=day(20 - minor % 7), **house) for minor in (11_111, 22_222)]
    row = (day(1), "333.33", currency, ext("Stranger"), ext(), "as agreed")
    receipt = office.statement(csv_statement(row), bank=bank)["lines"][0]["payment_id"]
    before = await talk(office, "u_clerk", say("unmatched_receipts", limit=50))
    assert receipt in {r["payment"]["id"] for r in before[0]["items"]}

    def session(last: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        due = {i["id"]: i["balance_due_minor"] for i in last["items"]}
        lines = [{"invoice_id": i, "applied_minor": due[i]} for i in last["selected"]]
        return "propose_application", {"payment_id": receipt, "applications": lines}

    said = await talk(
        office, "u_clerk",
        say("propose_assignment", payment_id=receipt, customer_id=customer), commit,
        say("open_invoices", customer_id=customer, which="all of them"), session, commit,
        say("unmatched_receipts", limit=50), say("aging", customer_id=customer),
    )  # fmt: skip
    assert receipt not in {r["payment"]["id"] for r in said[5]["items"]}
    assert [office.get(i["id"])["status"] for i in invoices] == ["PAID", "PAID"]
    body = {"through_date": day(0), "payment_ids": [receipt]}
    draft = ok(office.clerk.post(f"/v1/bank-accounts/{bank}/reconciliations", json=body), 201)
    ok(office.clerk.post(f"/v1/reconciliations/{draft['id']}/complete", json={}))
    after = await talk(
        office, "u_clerk", say("explain_record", id=draft["id"]), say("explain_match", payment_id=receipt)
    )
    assert after[0]["record"]["status"] == "COMPLETED"
    assert {i["id"] for i in after[1]["invoices"]} == {i["id"] for i in invoices}


async def test_a_name_that_fits_several_is_asked_about_before_anything_is_proposed(office: Office) -> None:
    stem = ext("Acme")
    us, uk = office.make_customers([{"name": f"{stem} Inc"}, {"name": f"{stem} Ltd"}])
    said = await talk(office, "u_clerk", say("find_customers", query=stem))
    assert said[0]["match"] == "several"
    assert {c["id"] for c in said[0]["items"]} == {us, uk}
    said = await talk(
        office, "u_clerk", say("find_customers", query=f"{stem} Ltd"),
        lambda last: ("propose_customer_update", {"customer_id": last["exact_id"], "phone": "+44 20 7946 0000"}), commit,
    )  # fmt: skip
    assert said[2]["result"]["customer_id"] == uk
    assert ok(office.controller.get("/v1/customer-changes", params={"customer_id": us}))["items"] == []


async def test_a_day_that_is_read_in_two_ways_is_answered_and_used(office: Office) -> None:
    customer = office.customer()
    office.invoice(customer, 1_000, issue_date="2026-03-20", due_date="2026-04-20")
    said = await talk(office, "u_clerk", say("read_words", date="3/4/2026"))
    assert said[0]["date"] is None
    assert "4 March 2026 or 3 April 2026" in said[0]["questions"][0].replace("“3/4/2026” is read in two ways: ", "")
    said = await talk(
        office, "u_clerk", say("read_words", date="3 April 2026"),
        lambda last: ("aging", {"customer_id": customer, "as_of": last["date"]}),
        say("aging", customer_id=customer, as_of="2026-03-04"),
    )  # fmt: skip
    assert said[0]["date"] == "2026-04-03"
    assert [said[1]["current_minor"], said[2]["current_minor"]] == [1_000, 0]


async def test_two_disputed_ones_are_asked_about_and_nothing_is_applied(office: Office) -> None:
    customer = office.customer()
    invoices = [office.invoice(customer, 1_000) for _ in range(3)]
    for i in invoices[:2]:
        ok(office.clerk.post(f"/v1/invoices/{i['id']}/dispute", json={"reason_code": "DAMAGED"}))
    which = "everything but the disputed one"
    said = await talk(office, "u_clerk", say("open_invoices", customer_id=customer, which=which))
    assert said[0]["selected"] is None
    assert all(i["external_id"] in said[0]["question"] for i in invoices[:2])
    assert [office.get(i["id"])["balance_due_minor"] for i in invoices] == [1_000] * 3


async def test_a_step_is_delegated_and_the_other_person_returns_it(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    change = desk.submit("u_clerk")["change_id"]
    given = {"approval_id": change, "step": 1, "to_user_id": "u_manager2"}
    said = await talk(office, "u_manager", say("propose_delegation", **given), commit)
    assert said[1]["status"] == "CONFIRMATION_REQUIRED"
    assert desk.change(change)["steps"][0]["delegated_to"] is None
    proposal = said[1]["proposal_id"]
    ok(office.client("manager", "ar_manager").post(f"/v1/proposals/{proposal}/commit", json={}))
    assert desk.change(change)["steps"][0]["delegated_to"] == "u_manager2"
    await decide(office, "u_manager", "ar_manager", change, decision="return", reason_code="ADDRESS_MISSING")
    assert [d["decision"] for d in desk.change(change)["decisions"]] == ["return"]
    desk.close()


async def test_nobody_decides_their_own_by_talking(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    change = desk.submit("u_manager")["change_id"]
    said = await talk(office, "u_manager", say("propose_decision", approval_id=change, decision="approve"))
    assert said[0]["code"] == "SEGREGATION_OF_DUTIES"
    assert desk.change(change)["decisions"] == []
    made = {"operation": "change.decide", "record_id": change, "body": {"decision": "approve"}}
    assert code(office.client("manager", "ar_manager").post("/v1/proposals", json=made))[1] == "SEGREGATION_OF_DUTIES"
    desk.close()


async def test_a_decision_that_somebody_else_took_first_is_stale(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    change = desk.submit("u_clerk")["change_id"]
    said = await talk(office, "u_manager", say("propose_decision", approval_id=change, decision="approve"), commit)
    ok(desk.decide(change, "u_manager", "return", reason_code="TYPO"))
    late = office.client("manager", "ar_manager").post(f"/v1/proposals/{said[1]['proposal_id']}/commit", json={})
    assert code(late) == (409, "PROPOSAL_STALE")
    assert [d["decision"] for d in desk.change(change)["decisions"]] == ["return"]
    desk.close()
