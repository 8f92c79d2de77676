"""Whole conversations about a month's end, US and UK: every kind of line, credit notes, write-offs, imports, undoing."""

import asyncio
from typing import Any

import pytest

from tests.api.office import Office, day, ext, ok
from tests.conversation.script import commit, decide, say, talk

HOUSES = pytest.mark.parametrize(
    ("entity", "bank", "currency"), [("le_us", "bank_us", "USD"), ("le_uk", "bank_uk", "GBP")], ids=["us", "uk"]
)


class House:
    """A customer of one legal entity, with invoices and receipts in its currency."""

    def __init__(self, office: Office, entity: str, bank: str, currency: str) -> None:
        self.office = office
        (self.customer,) = office.make_customers([{"name": ext("Payer"), "entity": entity}])
        self._of_invoices = {"currency_code": currency, "legal_entity_id": entity}
        self._of_payments = {**self._of_invoices, "bank_account_id": bank}
        self.currency, self.entity = currency, entity

    def invoice(self, minor: int, **fields: Any) -> dict[str, Any]:
        return self.office.invoice(self.customer, minor, **self._of_invoices, **fields)

    def payment(self, minor: int, **fields: Any) -> dict[str, Any]:
        return self.office.payment(self.customer, minor, **self._of_payments, **fields)

    def due(self, *invoices: dict[str, Any]) -> list[int]:
        return [self.office.get(i["id"])["balance_due_minor"] for i in invoices]

    def note(self, minor: int, **fields: Any) -> dict[str, Any]:
        """The body of a credit note."""
        return {
            "customer_id": self.customer, "external_id": ext("CN"), "issue_date": day(5), "currency_code": self.currency,
            "total_minor": minor, "tax_minor": 0, "reason_code": "PRICE_ERROR", "legal_entity_id": self.entity, **fields,
        }  # fmt: skip


@pytest.fixture
def house(office: Office, entity: str, bank: str, currency: str) -> House:
    return House(office, entity, bank, currency)


@HOUSES
async def test_the_oldest_three_with_a_fee_and_a_credit_note_in_one_session(house: House) -> None:
    """Every kind of line goes through one proposal: money, a bank's fee, tax withheld, a small write-off, a credit note."""
    office, dues = house.office, (50, 40, 30, 20)
    invoices = [house.invoice(10_000, due_date=day(n)) for n in dues]
    note = ok(office.controller.post("/v1/credit-notes", json=house.note(2_000)), 201)
    payment = house.payment(27_000)
    beside = [
        {"kind": "bank_fee", "amount_minor": 500, "reason_code": "WIRE_FEE"},
        {"kind": "write_off", "amount_minor": 100, "reason_code": "ROUNDING"},
        {"kind": "tax_withheld", "amount_minor": 400, "reason_code": "CIS", "note": "certificate 7"},
    ]

    def session(last: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        first, second, third = last["selected"]
        lines: list[dict[str, Any]] = [
            {"invoice_id": first, "applied_minor": 9_000, "adjustments": beside},
            {"invoice_id": second, "applied_minor": 8_000},
            {"invoice_id": third, "applied_minor": 10_000},
        ]
        netted = [{"credit_note_id": note["id"], "invoice_id": second, "applied_minor": 2_000}]
        return "propose_application", {"payment_id": payment["id"], "applications": lines, "credit_notes": netted}

    said = await talk(
        office, "u_clerk", say("open_invoices", customer_id=house.customer, which="the oldest three"), session, commit
    )
    assert said[0]["selected"] == [i["id"] for i in invoices[:3]]
    assert any("bank fee of 5.00" in line for line in said[1]["in_words"])
    assert any(f"20.00 {house.currency} of credit note" in line for line in said[1]["in_words"])
    assert said[2]["status"] == "COMMITTED"
    assert house.due(*invoices) == [0, 0, 0, 10_000]
    assert ok(office.clerk.get(f"/v1/credit-notes/{note['id']}"))["status"] == "APPLIED"
    booked = office.booked(payment["id"])
    assert (booked["cash"], booked["bank_fees"], booked["write_off"], booked["tax_withheld"]) == (27_000, 500, 100, 400)


@HOUSES
async def test_a_credit_note_within_authority_settles_everything_but_the_disputed_one(house: House) -> None:
    office = house.office
    one, disputed, three = (house.invoice(5_000, due_date=day(n)) for n in (30, 20, 10))
    ok(office.clerk.post(f"/v1/invoices/{disputed['id']}/dispute", json={"reason_code": "DAMAGED"}))
    said = await talk(
        office, "u_manager",
        say("propose_credit_note", **house.note(10_000)), commit,
        say("open_invoices", customer_id=house.customer, which="everything but the disputed one"),
    )  # fmt: skip
    note = said[1]["result"]
    assert (said[1]["http_status"], note["status"]) == (201, "OPEN")
    lines = [{"invoice_id": i, "applied_minor": 5_000} for i in said[2]["selected"]]
    said = await talk(
        office, "u_clerk", say("propose_application", payment_id=note["id"], applications=lines), commit,
        say("explain_record", id=note["id"]),
    )  # fmt: skip
    assert house.due(one, disputed, three) == [0, 5_000, 0]
    assert said[2]["record"]["status"] == "APPLIED"
    assert len(said[2]["journal_entries"]) == 1
    undone = said[2]["record"]["applications"][0]["id"]
    said = await talk(
        office, "u_clerk", say("propose_undo", record_id=undone, reason_code="WRONG_INVOICE"), commit
    )  # fmt: skip
    assert said[-1]["status"] == "COMMITTED"
    assert sorted(house.due(one, disputed, three)) == [0, 5_000, 5_000]


@HOUSES
async def test_a_credit_note_beyond_authority_is_approved_by_address(house: House) -> None:
    office, invoice = house.office, house.invoice(80_000)
    said = await talk(
        office, "u_clerk", say("propose_credit_note", **house.note(60_000, invoice_id=invoice["id"])), commit, commit
    )
    assert [s["status"] for s in said[1:]] == ["COMMITTED", "COMMITTED"]
    assert [s["http_status"] for s in said[1:]] == [202, 202]
    note = said[1]["result"]
    assert note["status"] == "PENDING_APPROVAL"
    assert "submitted for approval" in said[0]["in_words"][0]
    await decide(office, "u_manager", "ar_manager", note["approval_id"])
    after = ok(office.clerk.get(f"/v1/credit-notes/{note['id']}"))
    assert after["status"] == "OPEN"
    trail = {e["action"]: e for e in office.audit(note["approval_id"])}
    decided = next(e for action, e in trail.items() if "decided" in action)
    assert (decided["actor"], decided["conversation"]["client"]) == ("u_manager", "test-assistant")


@HOUSES
async def test_a_write_off_at_once_beyond_it_by_approval_and_back(house: House) -> None:
    office = house.office
    small, large = house.invoice(400), house.invoice(40_000)
    said = await talk(
        office, "u_clerk",
        say("propose_write_off", invoice_id=small["id"], reason_code="TOO_SMALL"), commit, commit,
        say("propose_write_off", invoice_id=large["id"], amount_minor=30_000, reason_code="BANKRUPT"), commit,
    )  # fmt: skip
    assert [said[1]["http_status"], said[4]["http_status"]] == [201, 202]
    assert said[1]["result"] == said[2]["result"]
    assert house.due(small, large) == [0, 40_000]
    waiting = said[4]["result"]
    await decide(office, "u_manager", "ar_manager", waiting["approval_id"], comment="the receiver has written")
    assert house.due(small, large) == [0, 10_000]
    said = await talk(
        office, "u_clerk", say("propose_undo", record_id=waiting["id"], reason_code="PAID_AFTER_ALL"), commit,
        say("explain_record", id=waiting["id"]),
    )  # fmt: skip
    assert house.due(large) == [40_000]
    assert said[2]["record"]["status"] == "REVERSED"
    assert office.booked(waiting["id"]) == {}


@HOUSES
async def test_a_short_payment_leaves_a_deduction_that_is_accepted_or_rejected(house: House) -> None:
    office, (one, two) = house.office, (house.invoice(10_000), house.invoice(20_000))
    payment = house.payment(27_000)
    lines = [{"invoice_id": one["id"], "applied_minor": 9_000}, {"invoice_id": two["id"], "applied_minor": 18_000}]
    short = [
        {"invoice_id": i["id"], "amount_minor": m, "reason_code": "DAMAGED"} for i, m in ((one, 1_000), (two, 2_000))
    ]
    said = await talk(
        office, "u_manager",
        say("propose_application", payment_id=payment["id"], applications=lines, deductions=short), commit,
        say("open_invoices", customer_id=house.customer, which="the disputed ones"),
    )  # fmt: skip
    assert any(f"Deduction of 10.00 {house.currency}" in line for line in said[0]["in_words"])
    assert set(said[2]["selected"]) == {one["id"], two["id"]}
    first, second = sorted(said[1]["result"]["deductions"], key=lambda d: d["amount_minor"])
    said = await talk(
        office, "u_manager",
        say("propose_deduction", deduction_id=first["id"], decision="accept", reason_code="DAMAGED"), commit, commit,
        say("propose_deduction", deduction_id=second["id"], decision="reject", reason_code="NOT_OURS"), commit,
        say("explain_record", id=first["id"]),
    )  # fmt: skip
    assert [s["status"] for s in (said[1], said[2], said[4])] == ["COMMITTED"] * 3
    assert said[5]["record"]["status"] == "ACCEPTED"
    assert house.due(one, two) == [0, 2_000]
    assert office.get(two["id"])["disputed_minor"] == 0


@HOUSES
async def test_an_import_is_started_followed_and_decided(house: House, entity: str) -> None:
    office, mark = house.office, ext("Imp")
    lines = "\n".join(["name,email", *(f"{mark} {n},{mark}{n}@example.com" for n in range(5))])
    start = {
        "what": "start",
        "file_name": f"{mark}.csv",
        "content": lines,
        "options": {"source": "csv", "legal_entity_id": entity},
    }
    said = await talk(
        office, "u_clerk", say("propose_import", **start), commit, commit,
        lambda last: ("follow_import", {"import_id": last["result"]["id"], "wait_seconds": 60}),
    )  # fmt: skip
    assert [s["status"] for s in said[1:3]] == ["COMMITTED", "COMMITTED"]
    import_id = said[3]["id"]
    assert (said[3]["status"], said[3]["total_rows"]) == ("AWAITING_REVIEW", 5)
    assert ok(office.clerk.get("/v1/customers", params={"q": mark}))["items"] == []
    again = await talk(office, "u_clerk", say("propose_decision", approval_id=import_id, decision="approve"))
    assert again[0]["code"] in ("FORBIDDEN", "SEGREGATION_OF_DUTIES")  # who has uploaded does not decide
    await decide(office, "u_manager", "ar_manager", import_id)
    said = await talk(
        office, "u_clerk", say("follow_import", import_id=import_id, wait_seconds=60), say("find_customers", query=mark)
    )
    assert said[0]["status"] == "COMPLETED"
    assert len(said[1]["items"]) == 5
    submitted = next(e for e in office.audit(import_id) if e["action"] == "import.submitted")
    assert (submitted["actor"], submitted["conversation"]["client"]) == ("u_clerk", "test-assistant")


async def test_an_import_is_paused_resumed_and_cancelled_while_it_runs(office: Office) -> None:
    """Its counters move between proposal and commit: what is shown is that it stops, not at which row."""
    mark, rows = ext("Imp"), 1_500
    start = {
        "what": "start", "content": "name,email\n" + "".join(f"{mark} {n},{mark}{n}@example.com\n" for n in range(rows)),
        "options": {"source": "csv", "legal_entity_id": "le_us", "batch_size": 1},
    }  # fmt: skip
    said = await talk(
        office, "u_clerk", say("propose_import", **start), commit,
        lambda last: ("follow_import", {"import_id": last["result"]["id"], "wait_seconds": 60}),
    )  # fmt: skip
    import_id, path = said[2]["id"], f"/v1/customer-imports/{said[2]['id']}"
    (early,) = await talk(office, "u_clerk", say("propose_import", what="pause", import_id=import_id))
    assert (early["code"], early["status_now"]) == ("IMPORT_STATE", "AWAITING_REVIEW")
    await decide(office, "u_manager", "ar_manager", import_id)

    async def moved(what: str, status: str) -> None:
        """Proposed, and committed once the import has gone on meanwhile."""
        (shown,) = await talk(office, "u_clerk", say("propose_import", what=what, import_id=import_id))
        assert shown["effect"]["status"] == status
        while what != "resume" and ok(office.clerk.get(path))["executed_rows"] <= shown["effect"]["executed_rows"]:
            await asyncio.sleep(0.1)
        done = await talk(office, "u_clerk", say("commit", proposal_id=shown["proposal_id"]), commit)
        assert [d["status"] for d in done] == ["COMMITTED"] * 2, done
        assert done[0]["result"]["status"] == status

    await moved("pause", "PAUSED")
    stands = ok(office.clerk.get(path))["executed_rows"]
    (twice,) = await talk(office, "u_clerk", say("propose_import", what="pause", import_id=import_id))
    assert twice["code"] == "IMPORT_STATE"
    assert ok(office.clerk.get(path))["executed_rows"] == stands
    await moved("resume", "EXECUTING")
    await moved("cancel", "CANCELLED")
    ended = ok(office.clerk.get(path))
    assert stands < ended["created"] < rows
    assert ended["created"] + ended["not_attempted"] == rows
    (found,) = await talk(office, "u_clerk", say("propose_import", what="resume", import_id=import_id))
    assert found["code"] == "IMPORT_CLOSED"
    acts = {e["action"]: e["conversation"] for e in office.audit(import_id)}
    assert all(acts[a] for a in ("import.paused", "import.resumed", "import.ended"))


async def test_an_import_that_is_declined_or_rejected_makes_nobody(office: Office) -> None:
    mark = ext("Imp")
    start = {
        "what": "start", "content": f"name,email\n{mark},{mark}@example.com\n",
        "options": {"source": "csv", "legal_entity_id": "le_us"},
    }  # fmt: skip
    said = await talk(office, "u_clerk", say("propose_import", **start), commit, says="decline")
    assert said[1]["status"] == "DECLINED"
    assert office.clerk.get(f"/v1/customer-imports/{said[0]['record_id']}").status_code == 404
    said = await talk(
        office, "u_clerk", say("propose_import", **start), commit,
        lambda last: ("follow_import", {"import_id": last["result"]["id"], "wait_seconds": 60}),
    )  # fmt: skip
    how = {"decision": "reject", "reason_code": "WRONG_FILE"}
    await decide(office, "u_manager", "ar_manager", said[2]["id"], **how)
    assert ok(office.clerk.get(f"/v1/customer-imports/{said[2]['id']}"))["status"] == "REJECTED"
    assert ok(office.clerk.get("/v1/customers", params={"q": mark}))["items"] == []
    for bad in (
        {"what": "start"},
        {"what": "pause"},
        {**start, "content": "x" * 200_001},
        {**start, "import_id": "imp_1"},
    ):
        (refused,) = await talk(office, "u_clerk", say("propose_import", **bad))
        assert refused["code"] == "VALIDATION_FAILED", bad


async def test_a_session_is_reversed_and_a_change_taken_back(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 700), office.payment(customer, 700)
    lines = [{"invoice_id": invoice["id"], "applied_minor": 700}]
    said = await talk(
        office, "u_clerk",
        say("propose_application", payment_id=payment["id"], applications=lines), commit,
        say("propose_undo", payment_id=payment["id"], reason_code="BOUNCED"), commit,
        say("propose_customer_update", customer_id=customer, phone="+1 617 555 0101"), commit,
        lambda last: ("propose_undo", {"record_id": last["result"]["change_id"], "reason_code": "NOT_NEEDED"}), commit,
    )  # fmt: skip
    assert [s["status"] for s in said[1::2]] == ["COMMITTED"] * 4
    assert said[-1]["result"]["status"] == "WITHDRAWN"
    assert office.get(payment["id"])["status"] == "REVERSED"
    assert office.get(invoice["id"])["balance_due_minor"] == 700
    assert office.booked(payment["id"]) == {}


async def test_net_45_and_a_hundred_thousand_dollars_become_a_customer(office: Office) -> None:
    name = ext("Acme")

    def create(last: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        limit = last["amount"]["minor"]
        return "propose_customer_create", {
            "name": name, "email": f"{ext()}@example.com", "legal_entity_id": "le_us",
            "payment_terms": last["terms"]["code"], "credit_limit": f"{limit // 100}.{limit % 100:02d}",
        }  # fmt: skip

    said = await talk(
        office,
        "u_ae",
        say("read_words", terms="net 45", amount="a hundred thousand dollars", date="3/4"),
        create,
        commit,
    )
    assert "4 March" in said[0]["questions"][0]
    assert "3 April" in said[0]["questions"][0]
    assert said[2]["status"] == "COMMITTED"
    change = ok(office.controller.get(f"/v1/customer-changes/{said[2]['result']['change_id']}"))
    for step in change["steps"]:
        role = step["role"]
        person = {"ar_manager": "u_manager", "controller": "u_controller", "cfo": "u_cfo"}[role]
        await decide(office, person, role, change["id"])
    found = ok(office.clerk.get(f"/v1/customers/{said[1]['record_id']}"))
    assert (found["payment_terms"], found["credit_limit"]) == ("NET45", "100000")
