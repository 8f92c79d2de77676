"""Histories of real runs, replayed by today's code; and nothing personal in any of them.

Every file in `histories/` counts. `python -m tests.replay.record` makes those of cash application, `record_imports` those of
imports, `record_clock` those of the schedules and of a deletion, tests/workflows/test_timed_out_in_place.py those of steps
that took too long in place.
"""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

import workflows
from models.messages.commands import CommandInput, CommandResult
from tests.replay.personal import EMAIL, personal_data_in
from workflows.posting import execute_command

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))
PROCESSES = (
    "RecordPayment", "AssignPayment", "ApplyPayment", "ApplyCredit", "UnapplyApplication", "UndoAdjustment", "ReversePayment",
    "IssueCreditNote", "ApplyCreditNote", "UnapplyCreditNote", "VoidCreditNote", "DecideDeduction", "ResolveDeduction",
    "ReconcileBank", "ImportStatement", "ConfirmRemittance",
    "DeliverWebhooks",
)  # fmt: skip


@cache
def every_workflow() -> Mapping[str, type]:
    """The workflow classes of the package `workflows`, by the names that histories know them by."""
    found = {}
    for module in pkgutil.iter_modules(workflows.__path__):
        for thing in vars(importlib.import_module(f"workflows.{module.name}")).values():
            if isinstance(thing, type) and hasattr(thing, "__temporal_workflow_definition"):
                found[getattr(thing, "__temporal_workflow_definition").name] = thing
    return found


def history(file: Path) -> WorkflowHistory:
    recorded = json.loads(file.read_text())
    # Under its own id: what a run derives from it (a child's id) must come out the same.
    started = recorded["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], recorded)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda f: f.stem)
async def test_todays_code_takes_the_same_decisions(file: Path) -> None:
    recorded = history(file)
    its_own = recorded.events[0].workflow_execution_started_event_attributes.workflow_type.name
    replayer = Replayer(workflows=[every_workflow()[its_own]], data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(recorded, raise_on_replay_failure=True)
    assert result.replay_failure is None


def test_every_process_behind_the_360_view_has_a_history() -> None:
    recorded = {f.stem.split(".")[0] for f in HISTORIES}
    assert {"EscalateCase", "WatchEscalation", "RefreshPanel", "RefreshHotSet", "WatchRenewals"} <= recorded


def test_imports_have_a_history_for_each_way_they_end() -> None:
    ends = ("validated", "completed", "rejected", "cancelled", "overdue", "pulled")
    assert {f"CustomerImport.{end}" for end in ends} | {"PruneImports.done"} <= {f.stem for f in HISTORIES}


def test_every_process_of_cash_application_has_a_history() -> None:
    assert set(PROCESSES) <= {f.stem.split(".")[0] for f in HISTORIES}
    variants = {f.stem for f in HISTORIES}
    assert {"ApplyPayment.completed", "ApplyPayment.refused", "ApplyPayment.fallback"} <= variants
    assert {"ConfirmRemittance.sent", "ConfirmRemittance.in_place"} <= variants


@pytest.mark.parametrize("name", ["ApplyCredit.of_payment", "UnapplyApplication.of_payment"])
def test_saying_whose_payment_it_was_takes_no_task_of_its_own(name: str) -> None:
    events = json.loads((HISTORIES[0].parent / f"{name}.json").read_text())["events"]
    kinds = [e["eventType"] for e in events]
    assert kinds.count("EVENT_TYPE_WORKFLOW_TASK_COMPLETED") == 1
    (said,) = [e for e in events if e["eventType"] == "EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"]
    assert list(said["upsertWorkflowSearchAttributesEventAttributes"]["searchAttributes"]["indexedFields"]) == [
        "PaymentId"
    ]


def test_every_process_has_a_history() -> None:
    """Further ones of the approval chains are in tests/data/histories, replayed by tests/customers/test_replay.py."""
    types = set(every_workflow())
    assert types - {f.stem.split(".")[0] for f in HISTORIES} == set()


@workflow.defn(name="ApplyPayment")
class OtherDecisions:
    """What a careless change looks like: one more step in front."""

    @workflow.run
    async def run(self, start: CommandInput) -> CommandResult:
        await asyncio.sleep(timedelta(seconds=1).total_seconds())
        return await execute_command(start, "doing", "done")


async def test_a_change_that_open_runs_do_not_survive_is_noticed() -> None:
    (file,) = [f for f in HISTORIES if f.stem == "ApplyPayment.completed"]
    replayer = Replayer(workflows=[OtherDecisions], data_converter=pydantic_data_converter)
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(history(file), raise_on_replay_failure=True)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda f: f.stem)
def test_no_history_holds_personal_data(file: Path) -> None:
    assert personal_data_in(file.read_text()) == []


def test_personal_data_would_be_found_inside_a_payload() -> None:
    import base64

    payload = {"data": base64.b64encode(json.dumps({"to": EMAIL}).encode()).decode()}
    assert personal_data_in(json.dumps({"events": [{"input": {"payloads": [payload]}}]})) != []
