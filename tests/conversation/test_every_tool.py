"""The official client calls every tool that there is, in memory, over HTTP in both eras, and over stdio."""

from typing import Any

import pytest
from mcp import Client

from conversation.jobs import JOBS
from conversation.server import TEXTS_ARE_DATA
from tests.api.office import Office, csv_statement, day, ext, ok
from tests.conversation.people import Dialogue, token
from tests.conversation.talking import WAYS, Way, assistant, told
from tests.customers.desk import Desk

Calls = list[tuple[str, dict[str, Any]]]


def reads(customer: str, payment: str, import_id: str) -> Calls:
    return [
        ("find_customers", {"query": customer}),
        ("get_customer", {"customer_id": customer, "legal_entity_id": "le_us"}),
        ("aging", {"customer_id": customer, "as_of": day(0)}),
        ("aging", {}),
        ("prepare_customer_meeting", {"customer_id": customer}),
        ("unmatched_receipts", {}),
        ("open_invoices", {"customer_id": customer, "which": "the oldest one"}),
        ("waiting_for_me", {}),
        ("exceptions", {}),
        ("explain_record", {"id": payment}),
        ("explain_match", {"payment_id": payment}),
        ("follow_import", {"import_id": import_id}),
        ("read_words", {"date": "3/4", "amount": "£1.2k", "terms": "net 45"}),
    ]


def proposals(office: Office, customer: str, change: str) -> Calls:
    """One of each, about records of their own: none stands in another's way."""
    one, two, three, four = (office.invoice(customer, 1_000) for _ in range(4))
    payment, applied, stray = (office.payment(customer, 1_000) for _ in range(3))
    application = ok(office.apply(applied, [(two, 1_000)]))["applications"][0]["id"]
    of_nobody = office.statement(csv_statement((day(1), "43.21", "USD", ext("Stranger"), "x", "thank you")))
    nobodys = of_nobody["lines"][0]["payment_id"]
    note = {"customer_id": customer, "external_id": ext("CN"), "issue_date": day(3), "currency_code": "USD"}
    return [
        ("propose_customer_create", {"name": ext("New"), "email": f"{ext()}@example.com", "legal_entity_id": "le_us"}),
        ("propose_customer_update", {"customer_id": office.customer(), "phone": "+1 617 555 0102"}),
        ("propose_customer_end", {"customer_id": office.customer(), "what": "deactivate", "reason_code": "CLOSED"}),
        ("propose_decision", {"approval_id": change, "decision": "approve"}),
        ("propose_delegation", {"approval_id": change, "step": 1, "to_user_id": "u_manager2"}),
        (
            "propose_application",
            {"payment_id": payment["id"], "applications": [{"invoice_id": one["id"], "applied_minor": 1_000}]},
        ),
        ("propose_assignment", {"payment_id": nobodys, "customer_id": customer}),
        ("propose_undo", {"application_id": application, "reason_code": "WRONG_INVOICE"}),
        ("propose_undo", {"payment_id": stray["id"], "reason_code": "BOUNCED"}),
        ("propose_write_off", {"invoice_id": three["id"], "amount_minor": 100, "reason_code": "TOO_SMALL"}),
        ("propose_deduction", {"invoice_id": four["id"], "amount_minor": 100, "reason_code": "DAMAGED"}),
        ("propose_credit_note", {**note, "total_minor": 500, "tax_minor": 0, "reason_code": "PRICE_ERROR"}),
        (
            "propose_import",
            {
                "what": "start", "content": f"name,email\n{ext()},{ext()}@example.com\n",
                "options": {"source": "csv", "legal_entity_id": "le_us"},
            },
        ),
    ]  # fmt: skip


async def told_as_described(client: Client, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a tool answers; the client holds it against the tool's output schema."""
    result = await client.call_tool(name, given)
    found = told(result)
    assert TEXTS_ARE_DATA in str(result.content[-1])
    assert result.meta is not None
    assert result.meta["arflow/texts"] == TEXTS_ARE_DATA
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_every_tool_is_called_and_answers_as_it_is_described(office: Office, way: Way) -> None:
    desk = Desk(office.stack, office.org)
    customer = office.customer()
    change = desk.submit("u_clerk")["change_id"]
    paid = office.payment(customer, 100)["id"]
    held = token(office, "u_all", "ar_clerk", "ar_manager")
    called: set[str] = set()
    async with assistant(office.stack, held, way, elicitation_callback=Dialogue()) as client:
        listed = {t.name for t in (await client.list_tools()).tools}
        for name, given in proposals(office, customer, change):
            shown = await told_as_described(client, name, given)
            done = await told_as_described(client, "commit", {"proposal_id": shown["proposal_id"]})
            by_page = name in ("propose_decision", "propose_delegation")
            assert done["status"] == ("CONFIRMATION_REQUIRED" if by_page else "COMMITTED"), (name, done)
            called |= {name, "commit"}
        for name, given in reads(customer, paid, shown["record_id"]):  # the import was proposed last
            await told_as_described(client, name, given)
            called.add(name)
    assert called == listed == set(JOBS)
    assert len(listed) <= 25
    desk.close()
