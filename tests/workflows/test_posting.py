"""The step of every posting: at once in place, patiently otherwise, and never again once it is refused."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.commands import CommandActivities
from activities.errors import boundary
from models.ids import new_id
from models.messages.commands import CommandInput, CommandResult
from tests.cash_desk.books import wrong
from tests.cash_desk.desk import Desk
from workflows.payments import POSTING_WORKFLOWS, ApplyPayment, RecordPayment

MakeWorker = Callable[..., Worker]
TRIES = 4
"""So often may the machine stand still by itself for the two seconds that a posting has in place."""


class DatabaseAway:
    """`execute_command` while the database is away for the first `failures` attempts."""

    def __init__(self, failures: int) -> None:
        self.failures, self.local, self.regular = failures, 0, 0

    @activity.defn(name="execute_command", no_thread_cancel_exception=True)
    def execute_command(self, start: CommandInput) -> CommandResult:
        if activity.info().is_local:
            self.local += 1
        else:
            self.regular += 1
        with boundary():
            if self.local + self.regular <= self.failures:
                raise ConnectionError("server closed the connection: row (secret@example.com) was lost")
            return CommandResult(start.command_id)


async def events(handle: WorkflowHandle[Any, Any]) -> Counter[str]:
    """How many events of each kind its history holds."""
    history = await handle.fetch_history()
    return Counter(str(e.WhichOneof("attributes")) for e in history.events)


async def start(env: WorkflowEnvironment, worker: Worker, run: Any, command_id: str, org: str = "org_x") -> Any:
    return await env.client.start_workflow(
        run, CommandInput(org, command_id), id=new_id("wf"), task_queue=worker.task_queue
    )


async def test_a_posting_takes_one_local_activity_and_no_regular_one(
    time_skipping: WorkflowEnvironment, worker_of: MakeWorker, desk: Desk
) -> None:
    async with worker_of(POSTING_WORKFLOWS, [CommandActivities(desk.engine).execute_command]) as worker:
        for _ in range(TRIES):
            kept = desk.submit(desk.payment(desk.customer(), 500, key=new_id("key")))
            handle = await start(time_skipping, worker, RecordPayment.run, kept.command_id, desk.org)
            first = await handle.result()
            again = await start(time_skipping, worker, RecordPayment.run, kept.command_id, desk.org)
            assert (await again.result()).replayed is True
            found = await events(handle)
            if found["activity_task_scheduled_event_attributes"] == 0:
                break
    assert found["activity_task_scheduled_event_attributes"] == 0
    assert first.replayed is False
    assert found["marker_recorded_event_attributes"] == 1


@pytest.mark.parametrize(("failures", "regular"), [(1, 0), (2, 1), (3, 2), (40, 39)])
async def test_while_the_database_is_away_the_posting_waits_outside_the_worker(
    time_skipping: WorkflowEnvironment, worker_of: MakeWorker, failures: int, regular: int
) -> None:
    for _ in range(TRIES):
        away = DatabaseAway(failures)
        async with worker_of(POSTING_WORKFLOWS, [away.execute_command]) as worker:
            handle = await start(time_skipping, worker, ApplyPayment.run, "cmd_1")
            assert await handle.result() == CommandResult("cmd_1")
        if away.local == 2:
            break
    assert (away.local, away.regular) == (2, regular)
    found = await events(handle)
    assert found["activity_task_scheduled_event_attributes"] == bool(regular)
    history = await handle.fetch_history()
    assert "secret" not in history.to_json(), "the text of an error may quote a row; it stays in the worker's log"


class Hanging:
    """`execute_command` that hangs in place, longer than a workflow task may take, and then works."""

    @activity.defn(name="execute_command", no_thread_cancel_exception=True)
    def execute_command(self, start: CommandInput) -> CommandResult:
        if activity.info().is_local:
            time.sleep(3)
        return CommandResult(start.command_id)


@pytest.mark.parametrize("doing", [DatabaseAway(3), Hanging()], ids=["failing", "hanging"])
async def test_a_worker_that_takes_over_in_the_fallback_takes_the_same_decisions(
    time_skipping: WorkflowEnvironment, worker_of: MakeWorker, doing: Any
) -> None:
    """What is recorded of a failed local activity is not what its failure was: a replay must decide alike all the same."""
    async with worker_of(POSTING_WORKFLOWS, [doing.execute_command]) as worker:
        handle = await start(time_skipping, worker, ApplyPayment.run, "cmd_1")
        assert await handle.result() == CommandResult("cmd_1")
    assert (await events(handle))["activity_task_scheduled_event_attributes"] == 1
    replayer = Replayer(workflows=[ApplyPayment], data_converter=pydantic_data_converter)
    await replayer.replay_workflow(await handle.fetch_history())


async def test_a_refusal_is_not_tried_again_and_surfaces_with_its_code(
    time_skipping: WorkflowEnvironment, worker_of: MakeWorker, desk: Desk, database_url: str
) -> None:
    payment = desk.run(desk.payment(desk.customer(), 500)).body["id"]
    calls: list[str] = []
    real = CommandActivities(desk.engine)

    class Counting:
        @activity.defn(name="execute_command", no_thread_cancel_exception=True)
        def execute_command(self, start: CommandInput) -> CommandResult:
            calls.append(start.command_id)
            return real.execute_command(start)

    async with worker_of(POSTING_WORKFLOWS, [Counting().execute_command]) as worker:
        for _ in range(TRIES):
            line = [{"invoice_id": new_id("invoice"), "applied_minor": 1}]
            kept = desk.submit(desk.apply(payment, line, key=new_id("key")))
            calls.clear()
            handle = await start(time_skipping, worker, ApplyPayment.run, kept.command_id, desk.org)
            with pytest.raises(WorkflowFailureError) as failed:
                await handle.result()
            if (await events(handle))["activity_task_scheduled_event_attributes"] == 0:
                break
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.non_retryable) == ("INVOICE_NOT_FOUND", True)
    assert cause.category == ApplicationErrorCategory.BENIGN
    assert calls == [kept.command_id]
    assert (await events(handle))["activity_task_scheduled_event_attributes"] == 0
    assert wrong(database_url, desk.org) == []
