"""Real processes killed with SIGKILL while payments are in flight; the mail server is away the whole time.

Each part of the stack is killed in turn under a wave of clients that record a payment and apply it, half of them in one
call, retrying with the same Idempotency-Key. In the end every payment is applied exactly once, the books verify, and
there is one remittance confirmation each.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetActivityRequest
from temporalio.client import Client as Temporal
from temporalio.service import RPCError

from models.ids import new_id
from stack.process import free_port
from stack.runtime import RunningStack
from tests.cash_desk.books import opened, wrong
from tests.chaos.clients import Client
from tests.mail import mail_server
from tests.stack_fixtures.private import PrivateStack

PARTS = ("API", "worker", "PostgreSQL", "Temporal")
AMOUNT = 12_50


@pytest.mark.timeout(1800)
def test_fifty_payments_survive_the_death_of_every_process(private_stack: Callable[..., PrivateStack]) -> None:
    survive(private_stack, payments_per_wave=13, waves=4)


@pytest.mark.soak
def test_five_hundred_payments_survive_forty_deaths(private_stack: Callable[..., PrivateStack]) -> None:
    survive(private_stack, payments_per_wave=13, waves=40)


def survive(private_stack: Callable[..., PrivateStack], *, payments_per_wave: int, waves: int) -> None:
    smtp = free_port()
    stack = private_stack(ARFLOW_SMTP_URL=f"smtp://127.0.0.1:{smtp}").start()
    org = stack.organisation()
    customer = stack.customer(org, "Chaos", "chaos@example.com")
    clerk = Client(stack.base_url, stack.token(org, "u_clerk", "ar_clerk"))
    payments: list[str] = []
    for wave in range(waves):
        payments += one_wave(stack, clerk, customer, payments_per_wave, PARTS[wave % len(PARTS)])
    assert clerk.odd == []
    assert clerk.retries > 0, "nothing was interrupted: the test proved nothing"
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    each_applied_once(runtime.database_url, org, payments)
    with mail_server(smtp) as kept:
        not_reset = asyncio.run(send_now(runtime, len(payments)))
        wait_for(
            lambda: len(set(kept.ids())) >= len(payments),
            240,
            lambda: f"{len(kept.ids())} mails; not reset: {not_reset}",
        )
        wait_for(
            lambda: confirmed(runtime.database_url, org) == len(payments), 120, lambda: "not all are recorded as sent"
        )
    assert max(Counter(kept.ids()).values()) == 1, "a confirmation was sent twice"
    assert {m["To"] for m in kept.messages} == {"chaos@example.com"}
    verified = stack.arflow("verify")
    assert verified.returncode == 0, verified.stdout
    assert wrong(runtime.database_url, org) == []
    assert stack.stop() == 0


def one_wave(stack: PrivateStack, clerk: Client, customer: str, size: int, part: str) -> list[str]:
    """So many clients at once, and SIGKILL to one part while they are at it; the ids of their payments."""
    in_flight = threading.Event()

    def pay(n: int) -> str:
        invoice = clerk.post(
            "/v1/invoices",
            {
                "customer_id": customer, "external_id": new_id("ext"), "issue_date": "2025-03-02",
                "currency_code": "USD", "total_minor": AMOUNT,
            },
        )["id"]  # fmt: skip
        body = {"applications": [{"invoice_id": invoice, "applied_minor": AMOUNT}]}
        received = {
            "customer_id": customer, "external_id": new_id("ext"), "payment_date": "2025-03-10",
            "currency_code": "USD", "amount_minor": AMOUNT,
        }  # fmt: skip
        if n % 2:
            in_flight.set()
            both = clerk.post("/v1/customer-payments", {**received, "apply": body})
            assert (both["status"], both["session"]["applied_count"]) == ("FULLY_APPLIED", 1)
            return str(both["id"])
        payment = clerk.post("/v1/customer-payments", received)["id"]
        in_flight.set()
        applied = clerk.post(f"/v1/customer-payments/{payment}/apply", body)
        assert (applied["status"], applied["applied_count"]) == ("FULLY_APPLIED", 1)
        return str(payment)

    with ThreadPoolExecutor(size) as pool:
        running = [pool.submit(pay, n) for n in range(size)]
        assert in_flight.wait(240)
        stack.wait_restarted(part, stack.kill(part))
        return [r.result() for r in running]


def each_applied_once(database_url: str, org: str, payments: list[str]) -> None:
    with opened(database_url) as c:
        rows = c.execute(
            """SELECT p.id, p.status, (SELECT count(*) FROM payment_applications a WHERE a.org_id = p.org_id
                 AND a.payment_id = p.id) AS applications, (SELECT count(*) FROM journal_entries e
                 WHERE e.org_id = p.org_id AND e.source_id = p.id) AS entries
               FROM payments p WHERE p.org_id = %s""",
            (org,),
        ).fetchall()
    assert sorted(r["id"] for r in rows) == sorted(payments)
    assert {(r["status"], r["applications"], r["entries"]) for r in rows} == {("FULLY_APPLIED", 1, 1)}


def confirmed(database_url: str, org: str) -> int:
    with opened(database_url) as c:
        (row,) = c.execute(
            "SELECT count(*) AS n FROM remittance_confirmations WHERE org_id = %s AND status = 'SENT'", (org,)
        ).fetchall()
    return int(row["n"])


def relayed(runtime: RunningStack) -> str:
    """How far the relay has come, for whoever must find out why it has not come farther."""
    with opened(runtime.database_url) as c:
        row = c.execute(
            """SELECT (SELECT count(*) FROM outbox_events WHERE position IS NULL) AS unpublished,
                 (SELECT max(position) FROM outbox_events) AS published, (SELECT max(position) FROM outbox_cursors) AS told,
                 (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks"""
        ).fetchone()
    return str(row)


async def send_now(runtime: RunningStack, expected: int) -> list[str]:
    """What an operator does when the mail server is back: have the waiting activities tried at once."""
    client = await Temporal.connect(runtime.temporal_address, namespace=runtime.temporal_namespace)
    log: list[str] = []
    open_ones: list[Any] = []
    deadline = time.monotonic() + 240
    query = "WorkflowType = 'ConfirmRemittance'"
    while len(open_ones) < expected:
        open_ones = [w async for w in client.list_workflows(query)]
        assert time.monotonic() < deadline, f"{len(open_ones)} of {expected} were ever started; {relayed(runtime)}"
        await asyncio.sleep(0.5)
    for w in open_ones:
        try:
            await client.workflow_service.reset_activity(
                ResetActivityRequest(
                    namespace=client.namespace,
                    execution=WorkflowExecution(workflow_id=w.id, run_id=w.run_id or ""),
                    identity="operator",
                    type="send_confirmation",
                )
            )
        except RPCError as refused:  # it was just then sent, or is being tried
            log.append(f"{w.id}: {refused.status.name} {refused.message}")
    return log


def wait_for(true: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.2)
