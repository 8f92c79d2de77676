"""What writes is two calls: a proposal that shows its effect, and a commit of exactly that effect, by the person."""

from typing import Any

import httpx2
import pytest
from mcp_types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from models.access import Agent
from tests.api.office import Office, code, day, ext, ok
from tests.conversation.people import Dialogue, token
from tests.conversation.talking import WAYS, Way, assistant, problem, told
from tests.customers.desk import Desk


def session(payment: dict[str, Any], *lines: tuple[dict[str, Any], int], **more: Any) -> dict[str, Any]:
    applications = [{"invoice_id": i["id"], "applied_minor": minor} for i, minor in lines]
    return {"payment_id": payment["id"], "applications": applications, **more}


def commit(client: httpx2.Client, proposal_id: str) -> httpx2.Response:
    return client.post(f"/v1/proposals/{proposal_id}/commit", json={})


@pytest.mark.parametrize("way", WAYS)
async def test_an_application_is_shown_then_posted_once(office: Office, way: Way) -> None:
    customer = office.customer()
    one, two = office.invoice(customer, 30_000), office.invoice(customer, 40_000)
    payment = office.payment(customer, 50_000)
    dialogue = Dialogue()
    async with assistant(office.stack, token(office), way, elicitation_callback=dialogue) as client:
        asked = session(payment, (one, 30_000), (two, 20_000))
        shown = told(await client.call_tool("propose_application", asked))
        assert office.get(payment["id"])["status"] == "UNAPPLIED"
        assert office.entries(payment["id"]) == []
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        again = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    effect = shown["effect"]
    assert effect["status"] == "FULLY_APPLIED"
    assert {i["id"]: i["balance_due_minor"] for i in effect["invoices"]} == {one["id"]: 0, two["id"]: 20_000}
    assert {(x["account"], x["debit_minor"]) for x in effect["journal_entries"][0]["lines"]} >= {("cash", 50_000)}
    assert shown["warnings"] == []
    assert shown["expires_at"]
    assert (done["status"], done["result"]["status"]) == ("COMMITTED", "FULLY_APPLIED")
    assert again["result"] == done["result"]
    assert len(dialogue.asked) == 1
    assert "300.00 USD on invoice" in dialogue.asked[0]
    assert office.booked(payment["id"]) == {"cash": 50_000, "accounts_receivable": -50_000}
    (applied,) = (e for e in office.audit(payment["id"]) if e["action"] == "payment.applied")
    assert applied["actor"] == "u_clerk"
    assert applied["conversation"]["client"] == "test-assistant"
    assert applied["conversation"]["proposal_id"] == shown["proposal_id"]
    trail = [(e["action"], e["payload"].get("by")) for e in office.audit(shown["proposal_id"])]
    said = "proposal.made", "proposal.confirmed", "proposal.committed"
    assert trail == [(said[0], None), (said[1], "elicitation"), (said[2], None)]


async def test_without_a_dialogue_the_person_is_given_an_address(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    async with assistant(office.stack, token(office)) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
        proposal = shown["proposal_id"]
        first = told(await client.call_tool("commit", {"proposal_id": proposal}))
        assert (first["status"], first["confirm_url"]) == (
            "CONFIRMATION_REQUIRED", f"{office.stack.base_url}/confirm/{proposal}",
        )  # fmt: skip
        assert office.get(payment["id"])["status"] == "UNAPPLIED"
        ok(commit(office.clerk, proposal))
        after = told(await client.call_tool("commit", {"proposal_id": proposal}))
    assert after["status"] == "COMMITTED"
    assert office.get(payment["id"])["status"] == "FULLY_APPLIED"


@pytest.mark.parametrize("way", ["http", "http 2025"])
async def test_the_person_may_say_no(office: Office, way: Way) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    for says, status in (("decline", "DECLINED"), ("cancel", "CONFIRMATION_REQUIRED")):
        async with assistant(office.stack, token(office), way, elicitation_callback=Dialogue(says)) as client:
            shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
            said = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
            assert said["status"] == status
    assert office.get(payment["id"])["status"] == "UNAPPLIED"
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue("decline")) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
        for _ in range(2):
            assert told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))["status"] == "DECLINED"
    assert code(commit(office.clerk, shown["proposal_id"])) == (409, "PROPOSAL_CLOSED")


async def test_a_changed_world_makes_it_stale_with_the_new_effect(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1500)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        asked = session(payment, (invoice, 400), overpayment="unapplied")
        shown = told(await client.call_tool("propose_application", asked))
        ok(office.apply(office.payment(customer, 100), [(invoice, 100)]))  # the invoice is another one now
        stale = problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_STALE")
        again = problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_STALE")
        assert stale["proposal_id"] == again["proposal_id"] != shown["proposal_id"]
        assert stale["effect"]["invoices"][0]["balance_due_minor"] == 500
        assert office.get(payment["id"])["status"] == "UNAPPLIED"
        done = told(await client.call_tool("commit", {"proposal_id": stale["proposal_id"]}))
    assert done["status"] == "COMMITTED"
    assert office.get(invoice["id"])["balance_due_minor"] == 500


async def test_what_can_no_longer_be_done_is_stale_and_says_why(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
        ok(office.reverse(payment))
        stale = problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "PROPOSAL_STALE")
    assert stale["effect"]["refusal"]["code"] == "PAYMENT_REVERSED"
    assert office.get(invoice["id"])["balance_due_minor"] == 1000


async def test_what_the_rules_refuse_cannot_be_proposed(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 2000)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        no = problem(
            await client.call_tool("propose_application", session(payment, (invoice, 1000))),
            "OVERPAYMENT_REQUIRES_CREDIT",
        )
        assert no["open_balance_minor"] == 1000
        assert no["next"]
        problem(await client.call_tool("propose_application", session(payment)), "VALIDATION_FAILED")
        problem(await client.call_tool("propose_undo", {"reason_code": "X"}), "VALIDATION_FAILED")
    async with assistant(office.stack, token(office, "u_ae")) as client:
        problem(await client.call_tool("propose_application", session(payment, (invoice, 1000))), "FORBIDDEN")


async def test_one_application_and_a_whole_payment_are_undone(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    application = ok(office.apply(payment, [(invoice, 600)], overpayment="unapplied"))["applications"][0]["id"]
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        undo = {"application_id": application, "reason_code": "WRONG_INVOICE"}
        shown = told(await client.call_tool("propose_undo", undo))
        assert shown["effect"]["invoices"][0]["balance_due_minor"] == 1000
        assert office.get(invoice["id"])["balance_due_minor"] == 400
        told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        assert office.get(invoice["id"])["balance_due_minor"] == 1000
        shown = told(
            await client.call_tool("propose_undo", {"payment_id": payment["id"], "reason_code": "CHEQUE_BOUNCED"})
        )
        assert shown["effect"]["status"] == "REVERSED"
        assert office.get(payment["id"])["status"] != "REVERSED"
        told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    assert office.get(payment["id"])["status"] == "REVERSED"


async def test_a_customer_from_proposal_to_approved_and_visible(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    name = ext("Acme")
    body = desk.body(
        name=name,
        payment_terms="NET45",
        credit_limit=100_000.5,
        addresses=[
            {"type": "billing", "lines": ["1 High St"], "city": "Leeds", "country": "GB"},
            {"type": "shipping", "lines": ["2 Low Rd"], "city": "York", "country": "GB"},
        ],
    )
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_customer_create", body))
        customer = shown["record_id"]
        assert {d["path"] for d in shown["effect"]["diff"]} >= {"/name", "/payment_terms"}
        assert desk("u_clerk").get("/v1/customer-changes", params={"customer_id": customer}).json()["items"] == []
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        assert done["result"]["status"] == "PENDING_APPROVAL"
        assert "waits for its approvers" in done["detail"]
        problem(await client.call_tool("get_customer", {"customer_id": customer}), "CUSTOMER_NOT_FOUND")
    change = done["result"]["change_id"]
    for person, role in (("u_manager", "ar_manager"), ("u_controller", "controller")):
        async with assistant(office.stack, token(office, person), elicitation_callback=Dialogue()) as client:
            waits = told(await client.call_tool("waiting_for_me", {}))["items"]
            assert change in {w["id"] for w in waits}
            decision = {"approval_id": change, "decision": "approve"}
            shown = told(await client.call_tool("propose_decision", decision))
            assert shown["confirmation"] == "page"
            asked = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
            assert asked["status"] == "CONFIRMATION_REQUIRED"  # whatever the dialogue says
            ok(commit(office.client(person.removeprefix("u_"), role), shown["proposal_id"]))
            assert (
                told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))["status"] == "COMMITTED"
            )
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        found = told(await client.call_tool("get_customer", {"customer_id": customer}))
        assert (found["name"], found["payment_terms"], found["credit_limit"]) == (name, "NET45", "100000.50")
        assert len(found["addresses"]) == 2
        change = {"customer_id": customer, "phone": "+44 113 496 0000", "notes": None}
        shown = told(await client.call_tool("propose_customer_update", change))
        assert [d["path"] for d in shown["effect"]["diff"]] == ["/phone"]
        told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        ended = {"customer_id": office.customer(), "what": "deactivate", "reason_code": "CLOSED"}
        shown = told(await client.call_tool("propose_customer_end", ended))
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        taken_back = {"record_id": done["result"]["change_id"], "reason_code": "NOT_NEEDED"}
        shown = told(await client.call_tool("propose_undo", taken_back))
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        assert done["result"]["status"] == "WITHDRAWN"
    desk.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("goes", [True, False])
async def test_an_assistant_that_can_open_a_page_sends_the_person_there(office: Office, way: Way, goes: bool) -> None:
    desk = Desk(office.stack, office.org)
    change = desk.submit("u_clerk")["change_id"]
    opened: list[ElicitRequestURLParams] = []

    async def person(_: Any, asked: ElicitRequestParams) -> ElicitResult:
        """Goes to the page, signed in, and confirms there; or says that they did."""
        assert isinstance(asked, ElicitRequestURLParams)
        opened.append(asked)
        if goes:
            ok(commit(office.client("manager", "ar_manager"), asked.url.rpartition("/")[2]))
        return ElicitResult(action="accept")

    async with assistant(office.stack, token(office, "u_manager"), way, elicitation_callback=person) as client:
        shown = told(await client.call_tool("propose_decision", {"approval_id": change, "decision": "approve"}))
        done = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    assert [asked.url for asked in opened] == [f"{office.stack.base_url}/confirm/{shown['proposal_id']}"]
    assert done["status"] == ("COMMITTED" if goes else "CONFIRMATION_REQUIRED")
    steps = desk("u_clerk").get(f"/v1/customer-changes/{change}").json()["steps"]
    assert steps[0]["decided_by"] == ("u_manager" if goes else None), "the page alone decides"
    desk.close()


async def test_an_approvers_own_change_and_a_delegation(office: Office) -> None:
    desk = Desk(office.stack, office.org)
    change = desk.submit("u_all")["change_id"]
    async with assistant(office.stack, token(office, "u_all", "ar_manager", "controller")) as client:
        decision = {"approval_id": change, "decision": "approve"}
        problem(await client.call_tool("propose_decision", decision), "SEGREGATION_OF_DUTIES")
        problem(await client.call_tool("propose_decision", decision | {"decision": "reject"}), "REASON_REQUIRED")
    async with assistant(office.stack, token(office, "u_manager")) as client:
        given = {"approval_id": change, "step": 1, "to_user_id": "u_manager2"}
        shown = told(await client.call_tool("propose_delegation", given))
        assert shown["confirmation"] == "page"
    desk.close()


async def test_a_proposal_is_its_persons(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
    proposal = {"proposal_id": shown["proposal_id"]}
    others = {
        token(office, "u_clerk2"): "FORBIDDEN",  # another person
        office.stack.token(office.stack.organisation(), "u_clerk", "ar_clerk"): "ORG_CONTEXT_MISMATCH",
        token(office, "u_clerk", "account_executive"): "FORBIDDEN",  # who has lost the role
        office.stack.token(office.org, "u_clerk", "ar_clerk", entities=("le_uk",)): "FORBIDDEN",
    }
    for held, refused in others.items():
        async with assistant(office.stack, held, elicitation_callback=Dialogue()) as client:
            problem(await client.call_tool("commit", proposal), refused)
    async with assistant(office.stack, token(office)) as client:
        problem(await client.call_tool("commit", {"proposal_id": "prop_nothing"}), "PROPOSAL_NOT_FOUND")
    assert office.get(payment["id"])["status"] == "UNAPPLIED"


async def test_an_assistants_token_confirms_nothing(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    held = token(office, agent=Agent("claude", 5, 100_000))
    async with assistant(office.stack, held) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
        waits = told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
        assert waits["status"] == "CONFIRMATION_REQUIRED"
    http = httpx2.Client(base_url=office.stack.base_url, headers={"Authorization": f"Bearer {held}"}, trust_env=False)
    path = f"/v1/proposals/{shown['proposal_id']}/commit"
    for headers in ({}, {"Arflow-Confirmed": "yes"}, {"Arflow-Conversation-Client": "x", "Arflow-Confirmed": "yes"}):
        assert code(http.post(path, json={}, headers=headers)) == (403, "PERSON_REQUIRED")
    lines = {"applications": [{"invoice_id": invoice["id"], "applied_minor": 1000}]}
    writes = (
        (f"/v1/customer-payments/{payment['id']}/apply", lines),
        (f"/v1/customer-payments/{payment['id']}/reverse", {"reason_code": "X"}),
        ("/v1/invoices", {"customer_id": customer, "external_id": ext(), "issue_date": day(1), "currency_code": "USD",
                          "total_minor": 1}),
        ("/v1/customers", {"name": "x", "email": "x@example.com", "legal_entity_id": "le_us"}),
    )  # fmt: skip
    for path, body in writes:
        assert code(http.post(path, json=body)) == (403, "PERSON_REQUIRED"), path
    assert office.get(payment["id"])["status"] == "UNAPPLIED"
    http.close()
    async with assistant(office.stack, held, elicitation_callback=Dialogue()) as client:
        told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    (applied,) = (e for e in office.audit(payment["id"]) if e["action"] == "payment.applied")
    assert (applied["actor"], applied["agent"]) == ("u_clerk", "claude")


async def test_budgets_of_an_agent(office: Office) -> None:
    customer = office.customer()
    few, little = Agent("few", 2, None), Agent("little", None, 2_500)
    for agent in (few, little):
        held = token(office, agent=agent)
        async with assistant(office.stack, held, elicitation_callback=Dialogue()) as client:
            for n in range(3):
                invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
                shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
                said = await client.call_tool("commit", {"proposal_id": shown["proposal_id"]})
                if n < 2:
                    assert told(said)["status"] == "COMMITTED"
                else:
                    no = problem(said, "BUDGET_EXCEEDED")
                    assert no["budget"] in ("writes_per_hour", "amount_minor_per_day")
                    assert office.get(payment["id"])["status"] == "UNAPPLIED"


def test_what_an_agent_may_move_is_in_a_currency(office: Office) -> None:
    """Minor units of one currency are no minor units of another: each has the budget by itself, or all count in one."""
    customer, uk = office.customer(), {"currency_code": "GBP", "legal_entity_id": "le_uk"}
    office.rate("GBP", "USD", day(0), "2")

    def proposed(agent: Agent, minor: int, **fields: str) -> httpx2.Response:
        invoice, payment = office.invoice(customer, minor, **fields), office.payment(customer, minor, **fields)
        applications = [{"invoice_id": invoice["id"], "applied_minor": minor}]
        body = {"operation": "apply_payment", "record_id": payment["id"], "body": {"applications": applications}}
        held = {"Authorization": f"Bearer {token(office, agent=agent)}"}
        return httpx2.post(f"{office.stack.base_url}/v1/proposals", json=body, headers=held, trust_env=False)

    def committed(agent: Agent, minor: int, **fields: str) -> httpx2.Response:
        return commit(office.clerk, ok(proposed(agent, minor, **fields), 201)["proposal_id"])

    each = Agent("each", None, 2_500)
    for fields in ({}, uk):
        ok(committed(each, 2_000, **fields))
        over = committed(each, 600, **fields)
        assert code(over) == (429, "BUDGET_EXCEEDED")
        told_of = {"used_minor": 2_000, "amount_minor": 600, "currency_code": fields.get("currency_code", "USD")}
        assert told_of.items() <= over.json().items()
    all_in_one = Agent("one", None, 2_500, "USD")
    ok(committed(all_in_one, 1_000, **uk))
    over = committed(all_in_one, 600)
    assert (over.json()["used_minor"], over.json()["currency_code"]) == (2_000, "USD")
    ok(committed(all_in_one, 500))
    assert code(proposed(Agent("far", None, 2_500, "XAF"), 1_000)) == (422, "FX_RATE_MISSING")


async def test_an_organisation_switches_assistants_off_at_once(office: Office) -> None:
    customer = office.customer()
    invoice, payment = office.invoice(customer, 1000), office.payment(customer, 1000)
    async with assistant(office.stack, token(office), elicitation_callback=Dialogue()) as client:
        shown = told(await client.call_tool("propose_application", session(payment, (invoice, 1000))))
        try:
            ok(office.controller.patch("/v1/settings", json={"agents": "read_only"}))
            told(await client.call_tool("get_customer", {"customer_id": customer}))
            problem(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}), "AGENTS_READ_ONLY")
            problem(
                await client.call_tool("propose_application", session(payment, (invoice, 1000))), "AGENTS_READ_ONLY"
            )
            assert code(commit(office.clerk, shown["proposal_id"])) == (
                403,
                "AGENTS_READ_ONLY",
            )  # not by the page either
            ok(office.controller.patch("/v1/settings", json={"agents": "off"}))
            headers = {"Authorization": f"Bearer {token(office)}"}
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            off = httpx2.post(f"{office.stack.base_url}/mcp", json=body, headers=headers, trust_env=False)
            assert code(off) == (403, "AGENTS_OFF")
            agents = {"Authorization": f"Bearer {token(office, agent=Agent('x'))}"}
            read = httpx2.get(f"{office.stack.base_url}/v1/customers", headers=agents, trust_env=False)
            assert code(read) == (403, "AGENTS_OFF")
        finally:
            ok(office.controller.patch("/v1/settings", json={"agents": None}))
        told(await client.call_tool("commit", {"proposal_id": shown["proposal_id"]}))
    assert office.get(payment["id"])["status"] == "FULLY_APPLIED"
