"""Whoever opens a run in Temporal's UI reads what it is and where it stands."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.service import RPCError

from tests.stack_fixtures.app import AppStack
from workflows.payments import POSTING_WORKFLOWS

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@dataclass
class Desk:
    clerk: httpx2.Client
    customer: str

    def invoice(self, name: str, total: int) -> str:
        body = {"customer_id": self.customer, "external_id": name, "issue_date": YESTERDAY}
        return self._made("/v1/invoices", {**body, "currency_code": "USD", "total_minor": total})

    def payment(self, name: str, amount: int) -> str:
        body = {"customer_id": self.customer, "external_id": name, "payment_date": YESTERDAY}
        return self._made("/v1/customer-payments", {**body, "currency_code": "USD", "amount_minor": amount})

    def apply(self, payment: str, *lines: tuple[str, int]) -> httpx2.Response:
        applications = [{"invoice_id": i, "applied_minor": minor} for i, minor in lines]
        return self.clerk.post(f"/v1/customer-payments/{payment}/apply", json={"applications": applications})

    def _made(self, path: str, body: dict[str, Any]) -> str:
        answer = self.clerk.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def desk(app_stack: AppStack):
    org = app_stack.organisation()
    customer = app_stack.customer(org)
    with app_stack.client(org, "u_clerk", "ar_clerk") as clerk:
        yield Desk(clerk, customer)


async def shown(client: Client, workflow_id: str) -> tuple[str | None, str]:
    """Summary and current details, as the UI asks for them."""
    handle = client.get_workflow_handle(workflow_id)
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return await (await handle.describe()).static_summary(), metadata.current_details


async def test_a_posting_says_what_it_did_and_how_the_payment_stands(desk: Desk, temporal_client: Client):
    payment = desk.payment("whole", 300)
    done = desk.apply(payment, (desk.invoice("one", 100), 100), (desk.invoice("two", 500), 200))
    summary, details = await shown(temporal_client, done.headers["X-Workflow-Id"])
    assert summary == f"Apply payment {payment} to 2 invoices"
    assert details == "Applied and posted. Status: FULLY_APPLIED"


async def test_a_refused_posting_says_why(desk: Desk, temporal_client: Client):
    payment = desk.payment("much", 900)
    refused = desk.apply(payment, (desk.invoice("small", 100), 100))
    assert refused.json()["code"] == "OVERPAYMENT_REQUIRES_CREDIT"
    summary, details = await shown(temporal_client, refused.headers["X-Workflow-Id"])
    assert summary == f"Apply payment {payment} to 1 invoice"
    assert details == "Refused, nothing was posted: OVERPAYMENT_REQUIRES_CREDIT"


async def test_a_list_of_failed_runs_parts_refusals_from_faults(desk: Desk, temporal_client: Client):
    """The queries of the runbook."""
    page = (Path(__file__).parents[2] / "docs" / "runbooks" / "stuck-run.md").read_text()
    queries = re.findall(r"^\| `(ExecutionStatus [^`]+)` \|", page, re.MULTILINE)
    assert len(queries) == 5
    named = set(re.findall(r'"(\w+)"', queries[0])) - {"Failed"}
    assert named == {run.__name__ for run in POSTING_WORKFLOWS}, (
        "a process of posting ends as failed by a refusal alone"
    )
    refused = desk.apply(desk.payment("more", 900), (desk.invoice("smaller", 100), 100)).headers["X-Workflow-Id"]
    async with asyncio.timeout(60):  # lists lag behind
        while refused not in {run.id async for run in temporal_client.list_workflows(queries[0])}:
            await asyncio.sleep(0.2)
    for query in queries[1:]:
        assert refused not in {run.id async for run in temporal_client.list_workflows(query)}


async def test_a_confirmation_says_that_it_was_sent(desk: Desk, temporal_client: Client):
    done = desk.apply(desk.payment("told", 100), (desk.invoice("three", 100), 100)).json()
    run = f"{done['session_id']}/ConfirmRemittance"
    async with asyncio.timeout(120):
        while not await started(temporal_client, run):
            await asyncio.sleep(0.1)
        await temporal_client.get_workflow_handle(run).result()
    summary, details = await shown(temporal_client, run)
    assert (summary, details) == (f"Confirm remittance of {done['payment_id']}", "Sent to the customer")


async def started(client: Client, workflow_id: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError:
        return False
    return True
