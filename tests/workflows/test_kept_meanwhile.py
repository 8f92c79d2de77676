"""A request without a key of its own is kept while its process is being started; nothing is posted before it is kept."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError

from tests.stack_fixtures.app import AppStack

TODAY = datetime.now(UTC).date().isoformat()


@dataclass
class Desk:
    clerk: httpx.Client
    owner: "psycopg.Connection[Any]"
    customer: str
    made: int = 0

    def prepare(self) -> None:
        """A new payment of 100 and a new invoice for it."""
        self.made += 1
        both = {"customer_id": self.customer, "external_id": f"k{self.made}", "currency_code": "USD"}
        invoice = self.clerk.post("/v1/invoices", json={**both, "issue_date": TODAY, "total_minor": 100}).json()["id"]
        payment = {**both, "payment_date": TODAY, "amount_minor": 100}
        self.paid = self.clerk.post("/v1/customer-payments", json=payment).json()["id"]
        self.body = {"applications": [{"invoice_id": invoice, "applied_minor": 100}]}

    def apply(self, **headers: str) -> httpx.Response:
        return self.clerk.post(f"/v1/customer-payments/{self.paid}/apply", json=self.body, headers=headers)

    def sessions(self) -> int:
        sql = "SELECT count(*) FROM application_sessions WHERE payment_id = %s"
        found = self.owner.execute(sql, [self.paid]).fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
def desk(app_stack: AppStack, database_url: str) -> Iterator[Desk]:
    org = app_stack.organisation()
    made = app_stack.arflow("customer", "create", "--org", org, "--name", "Acme", "--email", "acme@example.com")
    with (
        app_stack.client(org, "u_clerk", "ar_clerk") as clerk,
        psycopg.connect(database_url, autocommit=True) as owner,
    ):
        yield Desk(clerk, owner, made.stdout.strip())


@pytest.mark.parametrize("seconds", [0.5, 3.5])
def test_a_posting_waits_until_its_request_is_kept(desk: Desk, seconds: float) -> None:
    desk.prepare()
    with ThreadPoolExecutor() as threads:
        with desk.owner.transaction():
            desk.owner.execute("LOCK TABLE commands IN SHARE ROW EXCLUSIVE MODE")
            asked = threads.submit(desk.apply)
            time.sleep(seconds)
            assert desk.sessions() == 0
        answer = asked.result()
    assert answer.status_code in (200, 202), answer.text
    until = time.monotonic() + 20
    while answer.status_code == 202 and time.monotonic() < until:
        answer = desk.apply(**{"Idempotency-Key": answer.headers["Idempotency-Key"]})
    assert answer.json()["status"] == "FULLY_APPLIED"
    assert desk.sessions() == 1


async def test_a_request_that_could_not_be_kept_is_never_carried_out(desk: Desk, temporal_client: Client) -> None:
    desk.prepare()
    desk.owner.execute("CREATE TRIGGER never BEFORE INSERT ON commands EXECUTE FUNCTION refuse_change()")
    try:
        refused = desk.apply()
    finally:
        desk.owner.execute("DROP TRIGGER never ON commands")
    assert refused.status_code >= 500
    run = temporal_client.get_workflow_handle(refused.headers["X-Workflow-Id"])
    with pytest.raises(WorkflowFailureError) as failed:
        async with asyncio.timeout(30):
            await run.result()
    lost = failed.value.cause
    assert isinstance(lost, ActivityError)
    assert isinstance(lost.cause, ApplicationError)
    assert lost.cause.type == "COMMAND_LOST"
    assert desk.sessions() == 0
    again = desk.apply(**{"Idempotency-Key": refused.headers["Idempotency-Key"]})
    assert (again.status_code, again.json()["status"]) == (200, "FULLY_APPLIED")
    assert desk.sessions() == 1


async def test_a_key_of_the_caller_is_kept_before_the_process_starts(desk: Desk, temporal_client: Client) -> None:
    desk.prepare()
    with ThreadPoolExecutor() as threads:
        with desk.owner.transaction():
            desk.owner.execute("LOCK TABLE commands IN SHARE ROW EXCLUSIVE MODE")
            asked = threads.submit(desk.apply, **{"Idempotency-Key": "mine"})
            time.sleep(1)
            assert await _runs(temporal_client, desk.paid) == 0
        assert asked.result().status_code == 200
    desk.apply(**{"Idempotency-Key": "mine"})
    assert await _runs(temporal_client, desk.paid, least=1) == 1


async def _runs(client: Client, payment: str, least: int = 0) -> int:
    """How many runs have applied this payment. The list follows the runs by a moment."""
    async with asyncio.timeout(30):
        while True:
            found = await client.count_workflows(f"PaymentId = '{payment}' AND ProcessType = 'ApplyPayment'")
            if found.count >= least:
                return found.count
            await asyncio.sleep(0.1)
