"""PostgreSQL of a while ago beside a Temporal of now: what is gone ends, what is open goes on, requests are done once."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable

import httpx2
import pytest
from temporalio.client import Client as Temporal
from temporalio.client import WorkflowExecutionStatus

from models.ids import new_id
from stack.runtime import RunningStack
from tests.cash_desk.books import wrong
from tests.chaos.test_killed_processes import wait_for
from tests.customers.desk import Desk, ok
from tests.imports.support import decide, mark, reviewed, see, table, until
from tests.stack_fixtures.private import PrivateStack
from tests.webhooks.conftest import there
from tests.webhooks.receiver import Receiver

__all__ = ["there"]


async def how_it_ended(address: str, workflow_id: str, namespace: str = "default") -> str:
    """`RECORD_GONE` where the run says so; else its status."""
    client = await Temporal.connect(address, namespace=namespace)
    handle = client.get_workflow_handle(workflow_id)
    described = await handle.describe()
    if described.status in (WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.FAILED):
        last = (await handle.fetch_history()).events[-1]
        return "RECORD_GONE" if "RECORD_GONE" in str(last) else str(last)
    return described.status.name if described.status else "?"


def events(reader: httpx2.Client, cursor: str | None = None) -> tuple[set[str], str]:
    """The ids of all that is told from here on, and from where to ask again."""
    found: set[str] = set()
    while True:
        page = ok(reader.get("/v1/events", params={"limit": 200} | ({"cursor": cursor} if cursor else {})))
        found |= {e["id"] for e in page["items"]}
        cursor = page["resume_cursor"]
        if not page["items"]:
            return found, str(cursor)


@pytest.mark.timeout(900)
def test_a_database_restored_beside_a_later_temporal_goes_on(
    private_stack: Callable[..., PrivateStack], there: Receiver
) -> None:
    stack = private_stack(ARFLOW_RESUME_SECONDS="5").start()
    desk = Desk(stack, stack.organisation())
    clerk, manager = desk("u_clerk"), desk("u_manager")
    ok(desk("u_ops").post("/v1/webhook-endpoints", json={"url": there.url}), 201)
    payer = stack.customer(desk.org, "Payer", "p@example.com")
    change = desk.submit()
    held = reviewed(clerk, table([(f"x {n}", f"x{n}.{mark()}@example.com") for n in range(20)]))["id"]
    assert stack.stop() == 0
    data, copy = stack.home / "postgres", stack.home / "copy"
    subprocess.run(["cp", "-a", data, copy], check=True)  # with its owner, who is not always us

    stack.start()
    ok(desk.decide(change, "u_manager"))
    assert decide(manager, held).status_code == 200
    assert until(clerk, held)["created"] == 20
    lost = desk.submit()
    lost_import = reviewed(clerk, table([("y", f"y.{mark()}@example.com")]))
    body = {"customer_id": payer, "external_id": new_id("e"), "payment_date": "2026-01-15", "amount_minor": 5,
            "currency_code": "USD"}  # fmt: skip
    key = {"Idempotency-Key": new_id("key")}
    ok(clerk.post("/v1/customer-payments", json=body, headers=key), 201)
    reader = desk("u_controller")
    wait_for(lambda: "payment.received" in str(reader.get("/v1/events", params={"limit": 200}).json()), 30, lambda: "?")
    read, cursor = events(reader)
    assert stack.stop() == 0
    shutil.rmtree(data)
    copy.rename(data)

    stack.start()
    runtime = RunningStack.read(stack.home)
    assert runtime is not None
    for gone in (lost["workflow_id"], lost_import["workflow_id"]):  # once they are half a minute old
        wait_for(
            lambda gone=gone: asyncio.run(how_it_ended(runtime.temporal_address, gone)) == "RECORD_GONE", 60,  # type: ignore[misc]
            lambda gone=gone: f"{gone}: {asyncio.run(how_it_ended(runtime.temporal_address, gone))}",  # type: ignore[misc]
        )  # fmt: skip
    assert desk.change(change)["awaiting_step"] == 1
    assert desk.approve(change)["status"] == "APPROVED"
    assert see(clerk, held)["status"] == "AWAITING_REVIEW"
    assert decide(manager, held).status_code == 200
    assert until(clerk, held, seconds=60)["created"] == 20
    again = ok(clerk.post("/v1/customer-payments", json=body, headers=key), 201)
    assert len(ok(clerk.get("/v1/customer-payments", params={"customer_id": payer}))["items"]) == 1
    wait_for(
        lambda: again["id"] in str(reader.get("/v1/events", params={"cursor": cursor, "limit": 200}).json()), 30,
        lambda: "whoever had read on does not see what happened since",
    )  # fmt: skip
    told, _ = events(reader)
    assert told <= read | events(reader, cursor)[0], "whoever had read on has missed something"
    wait_for(
        lambda: told <= {got.headers["webhook-id"] for got in there.got if got.status == 204}, 60,
        lambda: f"of {len(told)} events {len({got.headers['webhook-id'] for got in there.got} & told)} were sent",
    )  # fmt: skip
    assert wrong(runtime.database_url, desk.org) == []
    assert stack.arflow("verify").returncode == 0
    desk.close()
    assert stack.stop() == 0
