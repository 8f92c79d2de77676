"""The day's cash by talking: an assistant proposes what the clerk asks for in her own words, and she says yes (see docs/demo.md).

The assistant here follows a script. It is the protocol's own client, with the clerk's token, as a desktop assistant would be.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult, Implementation

from api.tokens import mint_dev_token
from demo.context import Demo
from demo.desk import Desk, amounts
from demo.history import create_customers
from demo.people import PEOPLE
from models.access import Agent

ASSISTANT: Final = "demo-assistant"
INVOICES: Final = {"TA": 30_000, "TB": 45_000, "TC": 25_000, "TD": 61_000}
"""Name → total in cents, the oldest first."""
Answer = dict[str, Any]


def walk_conversation(ctx: Demo) -> None:
    """A conversation of the clerk, and one of the manager."""
    ctx.tell.chapter("By conversation")
    asyncio.run(_walk(ctx))


async def _walk(ctx: Demo) -> None:
    desk = _desk(ctx)
    await _apply_the_oldest_three(desk)
    await _change_the_terms(desk)


def _desk(ctx: Demo) -> Desk:
    name = f"Quayside Ceramics {ctx.walk}"
    row = {"external_id": ctx.new("quayside"), "name": name, "email": f"{ctx.new('ledger')}@quayside.example"}
    desk = Desk(ctx, create_customers(ctx, [row])[0], name)
    for days_ago, (invoice, total) in zip((4, 3, 2, 1), INVOICES.items(), strict=True):
        desk.raise_invoices({invoice: total}, issue_date=(ctx.today - timedelta(days=days_ago)).isoformat())
    return desk


class _Dialogue:
    """The assistant's dialogue with its person, who reads what will be done and says yes."""

    def __init__(self, ctx: Demo) -> None:
        self._ctx = ctx
        self.asked = 0

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked += 1
        for line in params.message.splitlines():
            self._ctx.tell.quoted("asks", line)
        self._ctx.tell.quoted("answers", "Yes.")
        return ElicitResult(action="accept", content={})


@asynccontextmanager
async def _assistant(ctx: Demo, user: str, dialogue: _Dialogue) -> AsyncIterator[Client]:
    """The person's assistant: their token, with its own name beside theirs and a budget."""
    role, _ = PEOPLE[user]
    budget = Agent(ASSISTANT, writes_per_hour=20, amount_minor_per_day=10_000_000)
    held = {"Authorization": f"Bearer {mint_dev_token(ctx.settings, ctx.org_id, user, [role], agent=budget)}"}
    async with httpx2.AsyncClient(headers=held, timeout=60, trust_env=False) as http:
        transport = streamable_http_client(f"{ctx.base_url}/mcp", http_client=http)
        info = Implementation(name=ASSISTANT, version="1")
        async with Client(transport, client_info=info, elicitation_callback=dialogue) as client:
            yield client


async def _call(desk: Desk, client: Client, tool: str, given: Answer) -> Answer:
    """What a tool answers; the demo ends where it refuses."""
    result = await client.call_tool(tool, given)
    found = result.structured_content or {}
    desk.tell.require(f"{tool} answers", not result.is_error, found)
    desk.tell.quoted("calls", tool)
    return found


async def _apply_the_oldest_three(desk: Desk) -> None:
    desk.tell.step("The clerk says: apply the Quayside receipt to the oldest three")
    payment = desk.receive("talk", 100_000)
    dialogue = _Dialogue(desk.ctx)
    async with _assistant(desk.ctx, "u_clerk", dialogue) as client:
        found = await _call(desk, client, "find_customers", {"query": desk.customer})
        which = {"customer_id": found["items"][0]["id"], "which": "the oldest three"}
        open_ones = await _call(desk, client, "open_invoices", which)
        due = {i["id"]: i["balance_due_minor"] for i in open_ones["items"]}
        lines = [{"invoice_id": i, "applied_minor": due[i]} for i in open_ones["selected"]]
        asked = {"payment_id": payment, "applications": lines}
        shown = await _call(desk, client, "propose_application", asked)
        desk.tell.same("proposed, and nothing has changed", desk.payment(payment)["status"], "UNAPPLIED")
        answers = [await _call(desk, client, "commit", {"proposal_id": shown["proposal_id"]}) for _ in range(3)]
    desk.tell.same("she was asked once, in her assistant", dialogue.asked, 1)
    sessions = {a["result"]["session_id"] for a in answers}
    desk.tell.same("three commits of a confused assistant are one session", len(sessions), 1)
    entries = [amounts(e) for e in desk.entries(payment)]
    desk.tell.same("cash and receivables moved once", entries, [{"cash": 100_000, "accounts_receivable": -100_000}])
    trail = desk.ctx.controller.get(f"/v1/audit-events?subject_id={payment}").json()["items"]
    said = [(e["actor"], e["agent"]) for e in trail if e["action"] == "payment.applied"]
    desk.tell.same("the trail names the clerk and her assistant", said, [("u_clerk", ASSISTANT)])
    desk.tell.see(f"/v1/audit-events?subject_id={payment}")


async def _change_the_terms(desk: Desk) -> None:
    desk.tell.step("The clerk says: give Quayside net 45; the manager decides by her own hand")
    dialogue = _Dialogue(desk.ctx)
    async with _assistant(desk.ctx, "u_clerk", dialogue) as client:
        words = await _call(desk, client, "read_words", {"terms": "net 45", "date": "3/4"})
        desk.tell.quoted("asks back", words["questions"][0])
        change = {"customer_id": desk.customer_id, "payment_terms": words["terms"]["code"]}
        shown = await _call(desk, client, "propose_customer_update", change)
        done = await _call(desk, client, "commit", {"proposal_id": shown["proposal_id"]})
    submitted = done["result"]["change_id"]
    async with _assistant(desk.ctx, "u_manager", dialogue) as client:
        decision = {"approval_id": submitted, "decision": "approve"}
        shown = await _call(desk, client, "propose_decision", decision)
        proposal = shown["proposal_id"]
        waits = await _call(desk, client, "commit", {"proposal_id": proposal})
        desk.tell.same("an assistant cannot confirm an approval", waits["status"], "CONFIRMATION_REQUIRED")
        desk.tell.quoted("page", str(waits["confirm_url"]))
        desk.ctx.manager.post(f"/v1/proposals/{proposal}/commit", {})
        after = await _call(desk, client, "commit", {"proposal_id": proposal})
    desk.tell.same("it is done once she has confirmed it there", after["status"], "COMMITTED")
