"""How a proposal's life ends: by the clock, by a changed world, by a person who may no longer, by being used; never twice."""

import asyncio

import psycopg
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from models.access import Agent
from tests.api.office import Office, code, ok
from tests.conversation.people import Dialogue, token
from tests.conversation.script import say, talk
from tests.conversation.talking import assistant, problem, told


def application(office: Office, minor: int = 1_000) -> tuple[dict[str, object], str]:
    """What would be asked for, and the payment that it is about."""
    customer = office.customer()
    invoice, payment = office.invoice(customer, minor), office.payment(customer, minor)
    lines = [{"invoice_id": invoice["id"], "applied_minor": minor}]
    return {"payment_id": payment["id"], "applications": lines}, payment["id"]


async def test_a_day_later_it_is_over(office: Office, database_url: str) -> None:
    asked, payment = application(office)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_application", asked))
        with psycopg.connect(database_url) as owner:
            earlier = "made_at = made_at - interval '25 hours', expires_at = expires_at - interval '25 hours'"
            owner.execute(f"UPDATE proposals SET {earlier} WHERE id = %s", (shown["proposal_id"],))
        for _ in range(2):
            problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_EXPIRED")
        assert told(await client.call_tool("explain_record", {"id": shown["proposal_id"]}))["record"]["expired"]
    by_hand = office.clerk.post(f"/v1/proposals/{shown['proposal_id']}/commit", json={})
    assert code(by_hand) == (409, "PROPOSAL_EXPIRED")  # nor on the page
    assert office.get(payment)["status"] == "UNAPPLIED"


async def test_a_proposal_carries_out_its_own_effect_and_no_other(office: Office) -> None:
    first, payment = application(office)
    second, other = application(office)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        one = told(await client.call_tool("propose_application", first))["proposal_id"]
        told(await client.call_tool("propose_application", second))
        problem(await client.call_tool("commit", {"proposal_id": one, **second}), "VALIDATION_FAILED")
        done = [told(await client.call_tool("commit", {"proposal_id": one})) for _ in range(3)]
    assert {d["result"]["payment_id"] for d in done} == {payment}
    changed = {"operation": "apply_payment", "record_id": other, "body": {}}
    assert code(office.clerk.post(f"/v1/proposals/{one}/commit", json=changed))[0] == 422
    assert [office.get(p)["status"] for p in (payment, other)] == ["FULLY_APPLIED", "UNAPPLIED"]


async def test_who_has_lost_the_role_carries_out_nothing(office: Office) -> None:
    asked, payment = application(office)
    small = office.invoice(office.customer(), 400)["id"]
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        made = [
            told(await client.call_tool("propose_application", asked)),
            told(await client.call_tool("propose_write_off", {"invoice_id": small, "reason_code": "TOO_SMALL"})),
        ]
    for held in (token(office, "u_clerk", "account_executive"), token(office, "u_clerk", "auditor")):
        async with assistant(office.stack, held, elicitation_callback=Dialogue()) as client:
            for shown in made:
                problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "FORBIDDEN")
    assert office.get(payment)["status"] == "UNAPPLIED"
    assert office.get(small)["balance_due_minor"] == 400


async def test_authority_is_that_of_the_commits_hour(office: Office) -> None:
    """What was within authority when it was shown, and is no longer, is another effect."""
    large = office.invoice(office.customer(), 30_000)["id"]
    asked = {"invoice_id": large, "reason_code": "BANKRUPT"}
    async with assistant(office.stack, token(office, "u_manager"), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_write_off", asked))
        assert shown["effect"]["status"] == "POSTED"
    async with assistant(
        office.stack, token(office, "u_manager", "ar_clerk"), elicitation_callback=Dialogue()
    ) as client:
        stale = problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_STALE")
    assert stale["effect"]["status"] == "PENDING_APPROVAL"
    assert office.get(large)["balance_due_minor"] == 30_000


async def test_a_write_off_is_stale_once_the_invoice_is_paid(office: Office) -> None:
    customer = office.customer()
    invoice = office.invoice(customer, 400)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        asked = {"invoice_id": invoice["id"], "reason_code": "TOO_SMALL"}
        shown = told(await client.call_tool("propose_write_off", asked))
        ok(office.apply(office.payment(customer, 400), [(invoice, 400)]))
        stale = problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_STALE")
    assert stale["effect"]["refusal"]["code"] == "INVOICE_NOT_OPEN"
    assert ok(office.clerk.get("/v1/write-offs", params={"invoice_id": invoice["id"]}))["items"] == []


async def test_ids_of_another_organisation_are_refused_by_name(office: Office) -> None:
    asked, payment = application(office)
    stranger = office.stack.token(office.stack.organisation(), "u_clerk", "ar_clerk")
    async with assistant(office.stack, stranger, elicitation_callback=Dialogue()) as client:
        calls = (
            ("propose_application", asked),
            ("propose_undo", {"payment_id": payment, "reason_code": "X"}),
            ("propose_write_off", {"invoice_id": asked["applications"][0]["invoice_id"], "reason_code": "X"}),  # type: ignore[index]
            ("propose_assignment", {"payment_id": payment, "customer_id": "cust_x"}),
            ("explain_record", {"id": payment}),
            ("explain_match", {"payment_id": payment}),
        )
        for name, given in calls:
            problem(await client.call_tool(name, given), "ORG_CONTEXT_MISMATCH")


@pytest.mark.parametrize("says", [None, "accept"], ids=["no dialogue", "a dialogue"])
async def test_an_agents_token_asks_for_the_page_or_the_dialogue(office: Office, says: str | None) -> None:
    """A token that names an agent confirms nothing by itself; without the claim nothing is an agent's."""
    small = office.invoice(office.customer(), 300)["id"]
    held = token(office, agent=Agent("helper", None, None))
    dialogue = None if says is None else Dialogue(says)
    async with assistant(office.stack, held, elicitation_callback=dialogue) as client:
        shown = told(await client.call_tool("propose_write_off", {"invoice_id": small, "reason_code": "TOO_SMALL"}))
        said = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    assert said["status"] == ("CONFIRMATION_REQUIRED" if says is None else "COMMITTED")
    if says is None:
        ok(office.clerk.post(f"/v1/proposals/{shown['proposal_id']}/commit", json={}))
    written = ok(office.clerk.get("/v1/write-offs", params={"invoice_id": small}))["items"][0]["id"]
    events = [e for e in office.audit(written) if e["action"].startswith("write_off.")]
    assert {(e["actor"], e["agent"], e["conversation"]["proposal_id"]) for e in events} == {
        ("u_clerk", "helper", shown["proposal_id"])
    }


async def test_temporal_shows_that_it_came_by_conversation_and_through_which_client(
    office: Office, temporal_client: Client
) -> None:
    customer, held = office.customer(), token(office, agent=Agent("helper"))
    async with assistant(office.stack, held, elicitation_callback=Dialogue()) as client:
        change = {"customer_id": customer, "phone": "+1 617 555 0103"}
        shown = told(await client.call_tool("propose_customer_update", change))
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))["result"]
    said = {"proposal": shown["proposal_id"], "client": "test-assistant", "agent": "helper"}
    summary = f"Customer update {customer}, by conversation (test-assistant) {done['change_id']}"
    handle = temporal_client.get_workflow_handle(done["workflow_id"])
    for begun_again in (False, True):  # a process that was lost says it again, from the books alone
        if begun_again:
            await handle.terminate("lost")
            await asyncio.to_thread(office.stack.arflow, "resume")
        described = await handle.describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        assert await described.static_summary() == summary
        assert dict(await described.memo()) == said


async def test_every_write_of_a_conversation_names_its_proposal_and_a_persons_yes(office: Office) -> None:
    asked, payment = application(office)
    (shown,) = await talk(office, "u_clerk", say("propose_application", **asked))
    await talk(office, "u_clerk", say("commit", proposal_id=shown["proposal_id"]))
    events = ok(office.controller.get("/v1/audit-events", params={"limit": 200}))["items"]
    by_talk = [e for e in events if e["conversation"] is not None]
    proposals = {e["conversation"]["proposal_id"] for e in by_talk if not e["action"].startswith("proposal.")}
    confirmed = {e["subject_id"]: e for e in events if e["action"] == "proposal.confirmed"}
    assert shown["proposal_id"] in proposals
    assert proposals <= confirmed.keys()
    assert all(len(e["conversation"]["effect_hash"]) == 64 and e["actor"].startswith("u_") for e in by_talk)
    assert payment in {e["subject_id"] for e in by_talk}
