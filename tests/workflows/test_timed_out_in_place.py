"""A step that took too long in place: the run goes on, under this worker and under the next, which replays it.

A timeout has another shape in replay than while the run is worked on (workflows/in_place.py).
`ARFLOW_RECORD_HISTORIES=1` keeps the histories for tests/replay.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

import workflows
from models.ids import new_id
from models.messages.changes import ActRequest, ChangeInput, ChangeState, ExecutionResult
from models.messages.commands import CommandInput, CommandResult
from models.messages.confirmations import ConfirmationInput, ConfirmationResult
from models.messages.imports import ImportAct, ImportInput, ImportState
from workflows import confirmations, retries
from workflows.confirmations import ConfirmRemittance
from workflows.customer_change import CustomerChange
from workflows.escalations import EscalateCase
from workflows.imports import CustomerImport
from workflows.payments import POSTING_WORKFLOWS

HISTORIES = Path(__file__).parents[1] / "replay" / "histories"
IN_PLACE = timedelta(milliseconds=200)


@dataclass
class Slow:
    """The activities of steps in place; each is too slow wherever it is tried in place."""

    slept: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    mail_server: bool = True

    def _step(self) -> None:
        name = activity.info().activity_type
        if activity.info().is_local:
            self.slept.append(name)
            time.sleep(4 * IN_PLACE.total_seconds())
        else:
            self.done.append(name)

    @activity.defn(name="execute_command", no_thread_cancel_exception=True)
    def execute_command(self, start: CommandInput) -> CommandResult:
        self._step()
        return CommandResult(start.command_id, False, "DONE", "pay_1")

    @activity.defn(name="change_act", no_thread_cancel_exception=True)
    def change_act(self, request: ActRequest) -> ChangeState:
        self._step()
        return ChangeState(known=True, status="PENDING_APPROVAL", operation="create", lane="yellow", complete=True)

    @activity.defn(name="change_execute", no_thread_cancel_exception=True)
    def change_execute(self, request: ActRequest) -> ExecutionResult:
        self._step()
        return ExecutionResult(ChangeState(known=True, status="APPROVED", operation="create", lane="yellow"), [], [])

    @activity.defn(name="import_act", no_thread_cancel_exception=True)
    def import_act(self, what: ImportAct) -> ImportState:
        self._step()
        return ImportState("CANCELLED")

    @activity.defn(name="send_confirmation", no_thread_cancel_exception=True)
    def send_confirmation(self, start: ConfirmationInput) -> ConfirmationResult:
        self._step()
        if not self.mail_server:
            raise OSError("away")
        return ConfirmationResult("SENT")

    @activity.defn(name="report_undelivered", no_thread_cancel_exception=True)
    def report_undelivered(self, start: ConfirmationInput) -> None:
        self.reported.append(start.session_id)

    def worker(self, client: Client, queue: str, processes: Sequence[type]) -> Worker:
        steps: list[Callable[..., Any]] = [
            self.execute_command, self.change_act, self.change_execute, self.import_act, self.send_confirmation,
            self.report_undelivered,
        ]  # fmt: skip
        return Worker(
            client, task_queue=queue, workflows=list(processes), activities=steps,
            activity_executor=ThreadPoolExecutor(4), workflow_runner=UnsandboxedWorkflowRunner(),
        )  # fmt: skip


COMMAND = CommandInput("org_1", "cmd_1", "")
CASES: list[tuple[type, Any, set[str]]] = [
    *((process, COMMAND, {"execute_command"}) for process in (*POSTING_WORKFLOWS, EscalateCase)),
    (CustomerChange, ChangeInput("org_1", "chg_1", "cmd_1", 2), {"change_act", "change_execute"}),
    (CustomerImport, ImportInput("org_1", "imp_1", "cmd_1"), {"import_act"}),
    (ConfirmRemittance, ConfirmationInput("org_1", "sess_1", first_try_in_place=True), {"send_confirmation"}),
]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "LOCAL_POSTING_TIMEOUT", IN_PLACE)
    monkeypatch.setattr(retries, "MAIL_FIRST_TRY", IN_PLACE)


async def begin(client: Client, process: type, start: Any, queue: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        process.__name__, start, id=f"{new_id('run')}/{process.__name__}", task_queue=queue
    )


@pytest.mark.parametrize(("process", "start", "steps"), CASES, ids=lambda c: getattr(c, "__name__", None))
async def test_the_run_ends_and_replays(temporal_client: Client, process: type, start: Any, steps: set[str]) -> None:
    slow, queue = Slow(), new_id("queue")
    async with slow.worker(temporal_client, queue, [process]):
        handle = await begin(temporal_client, process, start, queue)
        await asyncio.wait_for(handle.result(), 60)
    assert set(slow.slept) == set(slow.done) == steps
    history = await handle.fetch_history()
    replayer = Replayer(workflows=[process], data_converter=pydantic_data_converter)
    await replayer.replay_workflow(history, raise_on_replay_failure=True)
    if "ARFLOW_RECORD_HISTORIES" in os.environ:
        file = HISTORIES / f"{process.__name__}.timed_out.json"
        file.write_text(re.sub(r'"[0-9]+@[^"]*"', '"recorded"', history.to_json()) + "\n")


@pytest.mark.parametrize("process", [case[0].__name__ for case in CASES])
def test_a_history_of_it_is_kept(process: str) -> None:
    assert "activityTaskScheduledEventAttributes" in (HISTORIES / f"{process}.timed_out.json").read_text()


async def test_the_next_worker_goes_on_with_a_confirmation_whose_mail_server_was_slow_and_a_person_hears_of_it(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "PATIENCE", timedelta(seconds=5))
    slow, queue = Slow(mail_server=False), new_id("queue")
    start = ConfirmationInput("org_1", "sess_2", first_try_in_place=True)
    async with slow.worker(temporal_client, queue, [ConfirmRemittance]):
        handle = await begin(temporal_client, ConfirmRemittance, start, queue)
        while not slow.done:
            await asyncio.sleep(0.05)
    async with slow.worker(temporal_client, queue, [ConfirmRemittance]):
        async with asyncio.timeout(60):
            while not slow.reported:
                await asyncio.sleep(0.1)
        slow.mail_server = True
        assert (await asyncio.wait_for(handle.result(), 60))["status"] == "SENT"
    assert slow.slept == ["send_confirmation"]  # replayed, not tried in place again


def test_no_process_runs_a_step_in_place_by_itself() -> None:
    files = Path(workflows.__path__[0]).glob("*.py")
    assert [f.name for f in files if "execute_local_activity" in f.read_text()] == ["in_place.py"]
