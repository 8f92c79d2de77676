"""Nothing in data is an instruction, no retry does anything twice, and no loop grows without end."""

import asyncio
from datetime import date
from typing import Any

import httpx2
import pytest

from conversation.jobs import JOBS
from conversation.server import INSTRUCTIONS
from models.conversation.in_words import quoted
from models.conversation.selection import Candidate, select
from models.conversation.words import amount_of, date_of, terms_of
from tests.api.office import Office, ext, ok
from tests.conversation.injections import INJECTIONS
from tests.conversation.people import Dialogue, token
from tests.conversation.talking import assistant, problem, told


def one_line(text: str) -> str:
    """As a field of one line takes it."""
    return " ".join(text.split())[:200]


def left(office: Office) -> tuple[int, int]:
    """What of an organisation an instruction could have changed."""
    proposals = sum(e["action"] == "proposal.committed" for e in everything(office))
    return proposals, len(ok(office.controller.get("/v1/customer-changes", params={"limit": 200}))["items"])


def everything(office: Office) -> list[dict[str, Any]]:
    return ok(office.controller.get("/v1/audit-events", params={"limit": 200}))["items"]


async def test_five_hundred_injected_instructions_change_nothing(office: Office) -> None:
    assert len(INJECTIONS) == 500
    customers = office.make_customers([{"name": one_line(text)} for text in INJECTIONS[:100]])
    for text in INJECTIONS[100:200]:
        office.payment(customers[0], 100, reference=one_line(text), remittance_text=text)
    before = left(office)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        receipts = told(await client.call_tool("unmatched_receipts", {"limit": 50}))
        for text in INJECTIONS[200:260]:
            await client.call_tool("find_customers", {"query": one_line(text)})
            await client.call_tool("explain_record", {"id": one_line(text)})
            await client.call_tool("commit", {"proposal_id": one_line(text)})
            await client.call_tool(
                "read_words", {"amount": one_line(text), "date": one_line(text), "terms": one_line(text)}
            )
            await client.call_tool("open_invoices", {"customer_id": customers[0], "which": one_line(text)})
        shown = []
        for text in INJECTIONS[260:300]:
            body = {"name": one_line(text), "email": f"{ext()}@example.com", "legal_entity_id": "le_us", "notes": text,
                    "metadata": {"note": text}}  # fmt: skip
            shown.append(await client.call_tool("propose_customer_create", body))
        names = [told(await client.call_tool("get_customer", {"customer_id": c}))["name"] for c in customers[:20]]
    assert left(office) == before
    assert names == [one_line(text) for text in INJECTIONS[:20]]
    assert receipts["items"]
    for made in shown:
        if not made.is_error:  # what is no name is refused, as over HTTP
            assert all("\n" not in line for line in told(made)["in_words"])
    async with assistant(office.stack, token(office)) as client:
        listed = str((await client.list_tools()).tools) + str(INSTRUCTIONS)
    assert not any(text in listed for text in INJECTIONS)


@pytest.mark.parametrize("text", INJECTIONS[300:500:8], ids=map(str, range(300, 500, 8)))
def test_words_are_never_obeyed(text: str) -> None:
    open_one = [Candidate("invoice_1", "INV-1", "2026-01-01", "2026-02-01", 100, False)]
    assert select(text, open_one).ids is None
    assert amount_of(text).value is None
    assert date_of(text, date(2026, 1, 1)).value is None
    assert terms_of(text).value is None
    assert "\n" not in quoted(text)
    assert len(quoted(text)) <= 120


async def test_a_thousand_retries_of_a_commit_have_one_effect(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 5_000), office.payment(customer, 5_000)
    lines = [{"invoice_id": invoice["id"], "applied_minor": 3_000}]
    asked = {"operation": "apply_payment", "record_id": payment["id"],
             "body": {"applications": lines, "overpayment": "unapplied"}}  # fmt: skip
    made = ok(office.clerk.post("/v1/proposals", json=asked), 201)["proposal_id"]
    headers = {"Authorization": f"Bearer {token(office)}"}
    gate = asyncio.Semaphore(8)
    async with httpx2.AsyncClient(
        base_url=office.stack.base_url, headers=headers, timeout=120, trust_env=False
    ) as http:

        async def again() -> tuple[int, str | None]:
            async with gate:
                r = await http.post(f"/v1/proposals/{made}/commit", json={})
            return r.status_code, r.json().get("result", {}).get("session_id")

        said = await asyncio.gather(*(again() for _ in range(1000)))
    sessions = {session for status, session in said if status == 200}
    assert len(sessions) == 1
    assert {status for status, _ in said} <= {200, 202, 503}
    assert office.get(payment["id"])["applied_minor"] == 3_000
    assert len([e for e in office.audit(payment["id"]) if e["action"] == "payment.applied"]) == 1
    assert office.booked(payment["id"]) == {"cash": 5_000, "accounts_receivable": -3_000, "unapplied_cash": -2_000}


async def test_a_loop_of_calls_and_arguments_that_no_tool_has(office: Office) -> None:
    async with assistant(office.stack, token(office)) as client:
        for name in JOBS:
            problem(await client.call_tool(name, {"nonsense": 1, "proposal_id": {"a": []}}), "VALIDATION_FAILED")
        for _ in range(50):
            problem(await client.call_tool("commit", {"proposal_id": "prop_nothing"}), "PROPOSAL_NOT_FOUND")
        deep: Any = {}
        for _ in range(200):
            deep = {"a": deep}
        made = {"name": "x", "email": "x@example.com", "legal_entity_id": "le_us", "metadata": deep}
        assert (await client.call_tool("propose_customer_create", made)).is_error
        huge = {"query": "a" * 100_000}
        problem(await client.call_tool("find_customers", huge), "VALIDATION_FAILED")
