"""What an assistant may look at: the same records as over HTTP, under the same roles, by every way in."""

import json
from typing import Any

import httpx2
import pytest
from mcp import MCPError
from mcp_types import TextResourceContents

from tests.api.office import Office, csv_statement, day, ext
from tests.conversation.talking import WAYS, Way, assistant, problem, told
from tests.stack_fixtures.app import AppStack

ROLE = {"u_clerk": "ar_clerk", "u_controller": "controller", "u_feed": "bank_feed", "u_ae": "account_executive"}


def token(office: Office, user: str = "u_clerk", **more: Any) -> str:
    return office.stack.token(office.org, user, ROLE[user], **more)


@pytest.mark.parametrize("way", WAYS)
async def test_every_reading_tool_answers_as_it_is_described(office: Office, way: Way) -> None:
    customer = office.customer()
    invoice = office.invoice(customer, 70_000)
    payment = office.payment(customer, 50_000)
    calls = {
        "find_customers": {"query": customer},
        "get_customer": {"customer_id": customer},
        "aging": {"customer_id": customer, "as_of": day(0)},
        "prepare_customer_meeting": {"customer_id": customer},
        "unmatched_receipts": {},
        "open_invoices": {"customer_id": customer, "which": "the oldest one"},
        "waiting_for_me": {},
        "exceptions": {},
        "explain_record": {"id": payment["id"]},
        "explain_match": {"payment_id": payment["id"]},
        "read_words": {"date": "3/4", "amount": "£1.2k", "terms": "net 45"},
    }
    async with assistant(office.stack, token(office, "u_controller"), way) as client:
        tools = {t.name: t for t in (await client.list_tools()).tools}
        said = {name: told(await client.call_tool(name, given)) for name, given in calls.items()}
        everybody = told(await client.call_tool("aging", {}))
    assert len(tools) <= 25
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.output_schema is not None
        assert tool.description
    assert said["get_customer"]["id"] == said["find_customers"]["items"][0]["id"] == customer
    assert said["open_invoices"]["selected"] == [invoice["id"]]
    assert said["aging"]["unapplied_minor"] == 50_000
    receipt = next(r for r in said["unmatched_receipts"]["items"] if r["payment"]["id"] == payment["id"])
    assert [i["id"] for i in receipt["open_invoices"]] == [invoice["id"]]
    assert [e["action"] for e in said["explain_record"]["trail"]] == ["payment.received"]
    assert said["prepare_customer_meeting"]["view"]["customer"]["id"] == customer
    assert any(row["customer_id"] == customer for row in everybody["report"]["items"])


async def test_a_name_that_fits_several_customers_is_asked_about(office: Office) -> None:
    stem = ext("Acme")
    office.make_customers([{"name": f"{stem} Ltd"}, {"name": f"{stem} Holdings"}, {"name": stem}])
    async with assistant(office.stack, token(office)) as client:
        several = told(await client.call_tool("find_customers", {"query": f"{stem} "[:-1]}))
        none = told(await client.call_tool("find_customers", {"query": f"{stem}x"}))
        one = told(await client.call_tool("find_customers", {"query": f"{stem} hold"}))
    assert several["match"] == "several"
    assert len(several["items"]) == 3
    assert none["match"] == "none"
    assert one["match"] == "one"


async def test_a_receipt_shows_what_the_bank_said_and_suggests(office: Office) -> None:
    customer = office.customer()
    number = ext("INV")
    invoice = office.invoice(customer, 12_345, external_id=number)
    row = (day(1), "100.00", "USD", "Somebody", "x", f"for {number} and others {ext()}")
    statement = office.statement(csv_statement(row))
    async with assistant(office.stack, token(office)) as client:
        found = told(await client.call_tool("unmatched_receipts", {"limit": 50}))["items"]
        receipt = next(r for r in found if r["payment"]["statement_id"] == statement["id"])
        match = told(await client.call_tool("explain_match", {"payment_id": receipt["payment"]["id"]}))
    assert number in receipt["payment"]["remittance_text"]
    assert [s["invoice_id"] for s in receipt["suggestions"]] in ([invoice["id"]], [])
    assert match["line"]["payment_id"] == receipt["payment"]["id"]


@pytest.mark.parametrize("way", ["http", "memory"])
async def test_records_are_resources_and_common_jobs_are_prompts(office: Office, way: Way) -> None:
    invoice = office.invoice(office.customer(), 900)["id"]
    async with assistant(office.stack, token(office), way) as client:
        templates = (await client.list_resource_templates()).resource_templates
        (read,) = (await client.read_resource(f"arflow://record/{invoice}")).contents
        prompts = (await client.list_prompts()).prompts
        said = [await client.get_prompt(p.name) for p in prompts]
        with pytest.raises(MCPError, match="INVOICE_NOT_FOUND"):
            await client.read_resource("arflow://record/invoice_nothing")
        with pytest.raises(MCPError):
            await client.read_resource("file:///etc/passwd")
    assert {t.uri_template for t in templates} == {"arflow://record/{id}", "arflow://evidence/{change_id}"}
    assert isinstance(read, TextResourceContents)
    assert json.loads(read.text)["id"] == invoice
    assert all(p.messages for p in said)
    assert len(said) >= 4


async def test_roles_hold_and_the_refusal_is_the_apis(office: Office) -> None:
    customer = office.customer()
    async with assistant(office.stack, token(office, "u_feed")) as client:
        no = problem(await client.call_tool("get_customer", {"customer_id": customer}), "FORBIDDEN")
    assert "customers.read" in no["detail"]
    async with assistant(office.stack, token(office)) as client:
        explained = told(await client.call_tool("explain_record", {"id": office.payment(customer, 5)["id"]}))
        problem(await client.call_tool("get_customer", {"customer_id": "cust_nobody"}), "CUSTOMER_NOT_FOUND")
        wrong = problem(await client.call_tool("get_customer", {"customer": customer}), "VALIDATION_FAILED")
    assert explained["trail"] is None  # a clerk does not read the trail
    assert "customer" in str(wrong["errors"])
    assert customer not in str(wrong)


async def test_entities_and_organisations_hold(office: Office, app_stack: AppStack) -> None:
    customer = office.customer()
    british = app_stack.token(office.org, "u_clerk", "ar_clerk", entities=("le_uk",))
    async with assistant(app_stack, british) as client:
        problem(await client.call_tool("get_customer", {"customer_id": customer}), "FORBIDDEN")
    stranger = app_stack.token(app_stack.organisation(), "u_clerk", "ar_clerk")
    async with assistant(app_stack, stranger) as client:
        problem(await client.call_tool("get_customer", {"customer_id": customer}), "ORG_CONTEXT_MISMATCH")
        problem(await client.call_tool("aging", {"customer_id": customer}), "ORG_CONTEXT_MISMATCH")


def test_without_a_token_the_door_says_where_to_get_one(app_stack: AppStack) -> None:
    with httpx2.Client(base_url=app_stack.base_url, trust_env=False) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            refused = http.post("/mcp", json=body, headers=headers)
            assert refused.status_code == 401
            assert refused.json()["code"] == "UNAUTHENTICATED"
            said = refused.headers["WWW-Authenticate"]
            where = said.partition('resource_metadata="')[2].partition('"')[0]
            assert where == f"{app_stack.base_url}/.well-known/oauth-protected-resource/mcp"
            metadata = httpx2.get(where, trust_env=False).json()
            assert metadata["resource"] == f"{app_stack.base_url}/mcp"
            assert metadata["bearer_methods_supported"] == ["header"]


def test_the_page_of_another_site_may_not_ask(office: Office) -> None:
    headers = {"Authorization": f"Bearer {token(office)}", "Origin": "https://evil.example"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    refused = httpx2.post(f"{office.stack.base_url}/mcp", json=body, headers=headers, trust_env=False)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")


async def test_what_is_asked_for_is_bounded(office: Office) -> None:
    async with assistant(office.stack, token(office)) as client:
        problem(await client.call_tool("find_customers", {"query": "a", "limit": 100_000}), "VALIDATION_FAILED")
        found = told(await client.call_tool("find_customers", {"query": "Customer", "limit": 3}))
    assert len(found["items"]) <= 3
