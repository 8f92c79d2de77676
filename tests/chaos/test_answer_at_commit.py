"""The caller waits for the commit, and not for what Temporal has to write down afterwards."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx2
import psycopg
from temporalio.client import Client as Temporal

from models.ids import new_id
from stack.runtime import RunningStack
from tests.customers.desk import Desk, ok
from tests.stack_fixtures.private import PrivateStack

TODAY = "2026-01-15"
LONG = 90
"""More seconds than any machine takes for a step. That an answer came at the commit is seen by what it says: 200, and not
the 202 that it is told after five seconds."""
TRIES = 4
"""So often may the machine stand still for those five seconds by itself."""


def test_an_apply_is_answered_while_temporal_stands_still(modules_stack: PrivateStack) -> None:
    stack = modules_stack
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    org = stack.organisation()
    customer = stack.customer(org, "A", "a@example.com")
    with (
        stack.client(org, "u_clerk", "ar_clerk") as clerk,
        stack.client(org, "u_clerk", "ar_clerk", patient=False) as impatient,
        ThreadPoolExecutor(1) as pool,
    ):

        def made(path: str, **body: object) -> str:
            body |= {"customer_id": customer, "external_id": new_id("ext"), "currency_code": "USD"}
            answer = clerk.post(path, json=body)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        def applied_without_temporal() -> httpx2.Response:
            invoice = made("/v1/invoices", issue_date=TODAY, total_minor=700)
            payment = made("/v1/customer-payments", payment_date=TODAY, amount_minor=700)
            temporal = stack.pids()["Temporal"]
            with psycopg.connect(runtime.database_url) as holder:
                holder.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", (payment,))
                body = {"applications": [{"invoice_id": invoice, "applied_minor": 700}]}
                applying = pool.submit(impatient.post, f"/v1/customer-payments/{payment}/apply", json=body)
                wait_until_somebody_waits_for(holder)
                os.kill(temporal, signal.SIGSTOP)
            try:
                return applying.result(timeout=LONG)
            finally:
                os.kill(temporal, signal.SIGCONT)

        for _ in range(TRIES):
            answer = applied_without_temporal()
            asyncio.run(ends(runtime, answer.headers["X-Workflow-Id"]))
            if answer.status_code == 200:
                break
    assert (answer.status_code, answer.json().get("status")) == (200, "FULLY_APPLIED"), answer.text


def wait_until_somebody_waits_for(holder: "psycopg.Connection[tuple[object, ...]]") -> None:
    deadline = time.monotonic() + LONG
    blocked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    while holder.execute(blocked, (holder.info.backend_pid,)).fetchone() is None:
        assert time.monotonic() < deadline, "nobody came to apply the payment"
        time.sleep(0.01)


async def ends(runtime: RunningStack, workflow_id: str) -> None:
    """The process itself ends a little later, completed."""
    client = await Temporal.connect(runtime.temporal_address, namespace=runtime.temporal_namespace)
    async with asyncio.timeout(2 * LONG):
        await client.get_workflow_handle(workflow_id).result()


def test_a_decision_is_answered_while_temporal_stands_still(modules_stack: PrivateStack) -> None:
    """The last of a chain: by another process than the one that answers."""
    stack = modules_stack
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    desk = Desk(stack, stack.organisation())
    impatient = Desk(stack, desk.org, patient=False)
    impatient("u_controller")

    def decided_without_temporal(change: dict[str, Any]) -> tuple[httpx2.Response, object]:
        """The answer, and what the customer is by then."""
        temporal = stack.pids()["Temporal"]
        with psycopg.connect(runtime.database_url) as holder:
            holder.execute("SELECT 1 FROM customer_changes WHERE id = %s FOR UPDATE", (change["change_id"],))
            deciding = pool.submit(impatient.decide, change, "u_controller")
            wait_until_somebody_waits_for(holder)
            os.kill(temporal, signal.SIGSTOP)
        try:
            answer = deciding.result(timeout=LONG)
            return answer, desk("u_clerk").get(f"/v1/customers/{change['customer_id']}").json().get("status")
        finally:
            os.kill(temporal, signal.SIGCONT)

    with ThreadPoolExecutor(1) as pool:
        for _ in range(TRIES):
            change = desk.submit()
            ok(desk.decide(change, "u_manager"))
            answer, status = decided_without_temporal(change)
            if answer.status_code == 200:
                break
    assert (ok(answer)["status"], status) == ("APPROVED", "active")
    asyncio.run(ends(runtime, change["workflow_id"]))
    desk.close()
    impatient.close()


def test_what_temporal_has_not_taken_is_refused_soon_and_done_once_when_repeated(
    modules_stack: PrivateStack,
) -> None:
    """202 promises that the work goes on: nothing is answered so that a silent server has never heard of."""
    stack = modules_stack
    org = stack.organisation()
    customer = stack.customer(org, "A", "a@example.com")
    payment = {"customer_id": customer, "external_id": "p", "currency_code": "USD", "payment_date": TODAY}
    lines = f"date,amount,currency,payer,reference,remittance_text\n{TODAY},3.00,USD,A,r,nothing\n"
    with (
        stack.client(org, "u_clerk", "ar_clerk") as clerk,
        stack.client(org, "u_clerk", "ar_clerk", patient=False) as impatient,
        ThreadPoolExecutor(3) as pool,
    ):
        sent: list[tuple[str, dict[str, object], int]] = [
            ("/v1/customer-payments", {"json": payment | {"amount_minor": 5}}, 201),
            ("/v1/customers", {"json": {"name": "B", "email": "b@example.com", "legal_entity_id": "le_us"}}, 202),
            ("/v1/bank-accounts/bank_us/statements", {"files": {"file": ("s.csv", lines.encode(), "text/csv")}}, 202),
        ]
        temporal = stack.pids()["Temporal"]
        os.kill(temporal, signal.SIGSTOP)
        try:
            waiting = [pool.submit(impatient.post, path, **body) for path, body, _ in sent]  # type: ignore[arg-type]
            answers = [w.result(timeout=LONG) for w in waiting]
            ready, alive = impatient.get("/readyz"), impatient.get("/healthz")
        finally:
            os.kill(temporal, signal.SIGCONT)
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE"), answer.text
            assert answer.headers["Retry-After"]
        assert (ready.status_code, alive.status_code) == (200, 200)  # reads, and what needs no process, are served
        assert "temporal" in ready.json()["missing"]
        for (path, body, status), answer in zip(sent, answers, strict=True):
            headers = {"Idempotency-Key": answer.headers["Idempotency-Key"]}
            deadline = time.monotonic() + 2 * LONG
            while (again := clerk.post(path, headers=headers, **body)).status_code == 503:  # type: ignore[arg-type]
                assert time.monotonic() < deadline, again.text
                time.sleep(0.5)
            assert again.status_code == status, again.text
        assert len(clerk.get("/v1/customer-payments", params={"customer_id": customer}).json()["items"]) == 1
        pending = clerk.get("/v1/customer-changes", params={"status": "pending"}).json()["items"]
        assert [c["operation"] for c in pending] == ["create"]


def test_a_decision_answered_202_survives_the_api_and_the_server_with_no_worker_there(
    modules_stack: PrivateStack,
) -> None:
    stack = modules_stack
    desk = Desk(stack, stack.organisation())
    impatient = Desk(stack, desk.org, patient=False)
    change = desk.submit()
    impatient("u_manager")
    worker = stack.pids()["worker"]
    os.kill(worker, signal.SIGSTOP)
    taken = impatient.decide(change, "u_manager")
    said = ok(taken, 202)
    assert said == {name: change[name] for name in said} | {"status": "PENDING_APPROVAL"}
    assert set(said) == set(change)
    assert taken.headers["Location"] == f"/v1/operations/{quote(change['workflow_id'], safe='')}"
    for part in ("API", "Temporal"):
        os.kill(stack.pids()[part], signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 240
    while (found := step_of(desk, change["change_id"])) != 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    desk.close()
    impatient.close()


def step_of(desk: Desk, change_id: str) -> object:
    try:
        answer = desk("u_clerk").get(f"/v1/customer-changes/{change_id}")
    except httpx2.TransportError as error:
        return error
    return answer.json()["awaiting_step"] if answer.status_code == 200 else answer.text
