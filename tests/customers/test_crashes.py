"""Workers that die between the last approval and the execution, and in the middle of it: executed exactly once."""

import threading
from collections.abc import Callable

import psycopg
import pytest
from temporalio import activity
from temporalio.client import Client

import worker as composition
from activities.changes import ChangeActivities
from models.messages.changes import ActRequest, ExecutionResult
from tests.customers.desk import Desk, fresh, ok
from tests.customers.office import Office, running
from tests.customers.test_signals import wait
from tests.stack_fixtures.private import PrivateStack


class Crash(Exception):
    """The worker's thread dies here."""


def crashing(monkeypatch: pytest.MonkeyPatch, times: int, *, after_commit: bool) -> list[str]:
    """Make the first executions die, before anything or with the transaction committed and the answer lost."""
    died: list[str] = []
    carry_out = ChangeActivities.carry_out

    def dying(self, request: ActRequest) -> ExecutionResult:
        result = carry_out(self, request) if after_commit or len(died) >= times else None
        if len(died) < times:
            died.append(request.change_id)
            raise Crash
        assert result is not None
        return result

    monkeypatch.setattr(ChangeActivities, "carry_out", activity.defn(name="change_execute")(dying))
    return died


@pytest.mark.parametrize("after_commit", [False, True])
async def test_an_execution_that_dies_is_done_exactly_once(
    temporal_client: Client,
    office: Office,
    monkeypatch,
    database_url: str,
    after_commit: bool,
):
    died = crashing(monkeypatch, 4, after_commit=after_commit)
    monkeypatch.setattr(composition, "CHANGES_QUEUE", f"changes-{office.org}")
    start = office.create()
    async with running(temporal_client, office):
        handle = await temporal_client.start_workflow(
            "CustomerChange", start, id=f"{start.change_id}/CustomerChange", task_queue=f"changes-{office.org}"
        )
        await handle.execute_update("submitted")
        for user in ("u_manager", "u_controller"):
            await handle.execute_update("decide", office.decide(start.change_id, user))
        assert (await handle.result())["status"] == "APPROVED"
    assert len(died) == 4
    assert made_once(database_url, office.row(start.change_id)["customer_id"])


def made_once(database_url: str, customer: str) -> bool:
    with psycopg.connect(database_url) as c:
        versions = c.execute("SELECT version FROM customers WHERE id = %s", (customer,)).fetchall()
        events = c.execute("SELECT type FROM outbox_events WHERE subject = %s", (customer,)).fetchall()
        audits = c.execute("SELECT action FROM audit_events WHERE subject_id = %s", (customer,)).fetchall()
    return (versions, events, audits) == ([(1,)], [("customer.created",)], [("customer.created",)])


@pytest.mark.timeout(600)
def test_a_worker_killed_at_the_last_approval_executes_once_when_it_is_back(private_stack: Callable[..., PrivateStack]):
    stack = private_stack().start()
    desk = Desk(stack, stack.organisation())
    try:
        submitted = [desk.submit(external_id=fresh()) for _ in range(4)]
        for change in submitted:
            ok(desk.decide(change, "u_manager"))
        url = [f"/v1/customer-changes/{c['change_id']}/decisions" for c in submitted]
        clients = [stack.client(desk.org, "u_controller", "controller") for _ in submitted]
        threads = [
            threading.Thread(target=client.post, args=(u,), kwargs={"json": {"decision": "approve"}})
            for client, u in zip(clients, url, strict=True)
        ]
        for thread in threads:
            thread.start()
        old = stack.kill("worker")
        stack.wait_restarted("worker", old)
        for thread in threads:
            thread.join(60)
        for client in clients:
            client.close()
        for change in submitted:
            wait(lambda c=change: desk.change(c)["status"] == "APPROVED", 90)
            assert desk.read(change["customer_id"])["version"] == 1
        assert stack.arflow("verify").returncode == 0
    finally:
        desk.close()
