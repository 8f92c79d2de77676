"""The caller waits for the commit, and not for what Temporal has to write down afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from temporalio.client import Client as Temporal

from stack.runtime import RunningStack
from tests.stack_fixtures.private import PrivateStack

TODAY = "2026-10-15"


@pytest.mark.timeout(300)
def test_an_apply_is_answered_while_temporal_stands_still(private_stack: Callable[..., PrivateStack]) -> None:
    stack = private_stack().start()
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    org = stack.organisation()
    customer = stack.arflow(
        "customer", "create", "--org", org, "--name", "A", "--email", "a@example.com"
    ).stdout.strip()
    with stack.client(org, "u_clerk", "ar_clerk") as clerk, ThreadPoolExecutor(1) as pool:

        def made(path: str, **body: object) -> str:
            answer = clerk.post(
                path, json={"customer_id": customer, "external_id": "x", "currency_code": "USD", **body}
            )
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        invoice = made("/v1/invoices", issue_date=TODAY, total_minor=700)
        payment = made("/v1/customer-payments", payment_date=TODAY, amount_minor=700)
        temporal = stack.pids()["Temporal"]
        with psycopg.connect(runtime.database_url) as holder:
            holder.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (payment,))
            body = {"applications": [{"invoice_id": invoice, "applied_minor": 700}]}
            applying = pool.submit(clerk.post, f"/v1/customer-payments/{payment}/apply", json=body)
            wait_until_somebody_waits_for(holder)
            os.kill(temporal, signal.SIGSTOP)
        try:
            answer = applying.result(timeout=4)
        finally:
            os.kill(temporal, signal.SIGCONT)
    assert (answer.status_code, answer.json().get("status")) == (200, "FULLY_APPLIED"), answer.text
    asyncio.run(ends(runtime, answer.headers["X-Workflow-Id"]))
    assert stack.stop() == 0


def wait_until_somebody_waits_for(holder: "psycopg.Connection[tuple[object, ...]]") -> None:
    deadline = time.monotonic() + 2
    blocked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    while holder.execute(blocked, (holder.info.backend_pid,)).fetchone() is None:
        assert time.monotonic() < deadline, "nobody came to apply the payment"
        time.sleep(0.01)


async def ends(runtime: RunningStack, workflow_id: str) -> None:
    """The process itself ends a little later, completed."""
    client = await Temporal.connect(runtime.temporal_address, namespace=runtime.temporal_namespace)
    async with asyncio.timeout(30):
        await client.get_workflow_handle(workflow_id).result()
