"""Workers that die between the last approval and the execution, in the middle of it, and after: executed exactly once."""

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial

import httpx2
import psycopg
import pytest
from temporalio import activity
from temporalio.client import Client

import worker as composition
from activities.changes import ChangeActivities
from models.customers.change_records import Change
from models.db.tx import Tx
from models.messages.changes import ActRequest, ChangeState, ExecutionResult
from operations.customers import execution
from stack.runtime import RunningStack
from tests.customers.desk import Desk, fresh, ok
from tests.customers.office import Office, running
from tests.customers.test_signals import wait
from tests.stack_fixtures.private import PrivateStack


class Crash(Exception):
    """The worker's thread dies here."""


def faulty_at_first(monkeypatch: pytest.MonkeyPatch, *, wrote: bool) -> None:
    """Make the first execution, which goes with the last decision, end in a fault: before or after it wrote."""
    create, faults = execution._CARRY_OUT["create"], list[str]()

    def fault(tx: Tx, change: Change) -> int:
        made = create(tx, change) if wrote or faults else 0
        if not faults:
            faults.append(change.id)
            raise Crash
        return made

    monkeypatch.setitem(execution._CARRY_OUT, "create", fault)


def crashing(monkeypatch: pytest.MonkeyPatch, times: int, *, after_commit: bool) -> list[str]:
    """Make the first executions in a step of their own die, before anything or after the commit, the answer lost."""
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


async def approved(client: Client, office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """Submit and approve a customer on a worker of the test's own; the change's id once its process has ended."""
    queue = f"changes-{office.org}"
    monkeypatch.setattr(composition, "CHANGES_QUEUE", queue)
    start = office.create()
    async with running(client, office):
        handle = await client.start_workflow(
            "CustomerChange", start, id=f"{start.change_id}/CustomerChange", task_queue=queue
        )
        await handle.execute_update("submitted")
        for user in ("u_manager", "u_controller"):
            await handle.execute_update("decide", office.decide(start.change_id, user))
        assert (await handle.result())["status"] == "APPROVED"
    return start.change_id


@pytest.mark.parametrize("wrote", [False, True])
@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_fault_leaves_the_decision_and_the_process_executes_exactly_once(
    temporal_client: Client, office: Office, monkeypatch, database_url: str, wrote: bool, after_commit: bool
):
    faulty_at_first(monkeypatch, wrote=wrote)
    died = crashing(monkeypatch, 4, after_commit=after_commit)
    change = await approved(temporal_client, office, monkeypatch)
    assert len(died) == 4
    assert made_once(database_url, office.change(change).customer_id)


async def test_an_answer_lost_after_the_commit_executes_nothing_again(
    temporal_client: Client, office: Office, monkeypatch, database_url: str
):
    act, died = ChangeActivities.act, list[str]()

    def dying(self, request: ActRequest) -> ChangeState:
        state = act(self, request)
        if state.status == "APPROVED" and len(died) < 4:
            died.append(request.change_id)
            raise Crash
        return state

    monkeypatch.setattr(ChangeActivities, "act", activity.defn(name="change_act")(dying))
    change = await approved(temporal_client, office, monkeypatch)
    assert len(died) == 4
    assert made_once(database_url, office.change(change).customer_id)


def made_once(database_url: str, customer: str) -> bool:
    with psycopg.connect(database_url) as c:
        versions = c.execute("SELECT version FROM customers WHERE id = %s", (customer,)).fetchall()
        events = c.execute("SELECT type FROM outbox_events WHERE subject = %s", (customer,)).fetchall()
        audits = c.execute("SELECT action FROM audit_events WHERE subject_id = %s", (customer,)).fetchall()
    return (versions, events, audits) == ([(1,)], [("customer.created",)], [("customer.created",)])


def test_a_worker_killed_at_the_last_approval_executes_once_when_it_is_back(private_stack: Callable[..., PrivateStack]):
    stack = private_stack().start()
    desk = Desk(stack, stack.organisation())
    try:
        submitted = [desk.submit(external_id=fresh()) for _ in range(4)]
        for change in submitted:
            ok(desk.decide(change, "u_manager"))
        with Approving(desk, submitted):
            old = stack.kill("worker")
            stack.wait_restarted("worker", old)
        for table in ("customers", "customer_change_steps"):  # the decision is written; and so is the customer
            submitted.append(killed_in_the_middle(stack, desk, table))

        def approved(of: dict) -> bool:
            return bool(desk.change(of)["status"] == "APPROVED")

        for change in submitted:
            wait(partial(approved, change), 180)
            assert desk.read(change["customer_id"])["version"] == 1
        assert stack.arflow("verify").returncode == 0
    finally:
        desk.close()


class Approving:
    """The controller's approvals under way, all at once."""

    def __init__(self, desk: Desk, submitted: list[dict]) -> None:
        self.clients = [desk.stack.client(desk.org, "u_controller", "controller") for _ in submitted]
        self.threads = [
            threading.Thread(target=self._approve, args=(client, change["change_id"]))
            for client, change in zip(self.clients, submitted, strict=True)
        ]

    @staticmethod
    def _approve(client: httpx2.Client, change: str) -> None:
        with contextlib.suppress(httpx2.TransportError):  # whether it was heard is seen by what becomes of the change
            client.post(f"/v1/customer-changes/{change}/decisions", json={"decision": "approve"})

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.join(120)
        for client in self.clients:
            client.close()


def killed_in_the_middle(stack: PrivateStack, desk: Desk, table: str) -> dict:
    """Approve a change, and kill the worker while the transaction that executes it waits to write to the table."""
    change = desk.submit(external_id=fresh())
    ok(desk.decide(change, "u_manager"))
    found = RunningStack.read(stack.home)
    assert found is not None
    with psycopg.connect(found.database_url) as holder:
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        with Approving(desk, [change]):
            blocked = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
            deadline = time.monotonic() + 90
            while holder.execute(blocked, (holder.info.backend_pid,)).fetchone() is None:
                assert time.monotonic() < deadline, "nobody came to execute the change"
            old = stack.kill("worker")
            with psycopg.connect(found.database_url) as seen:
                read = "SELECT count(*) FROM customers WHERE id = %s"
                assert seen.execute(read, (change["customer_id"],)).fetchone() == (0,)
            holder.rollback()
            stack.wait_restarted("worker", old)
    return change
