"""Histories of changes from earlier builds replay on this one: a chain that waits for weeks outlives deployments.

`ARFLOW_RECORD_HISTORIES=1 pytest tests/customers/test_replay.py` records them anew; a name once committed is never
recorded over, a changed process gets further ones beside it.
"""

import asyncio
import os
import re
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Replayer

import worker as composition
from models.ids import new_id
from models.messages.changes import EDITION, ActInput, ChangeInput, change_workflow_id
from tests.customers.office import Office, running
from workflows.certificates import WatchCertificates
from workflows.customer_change import CHANGE_WORKFLOWS

HISTORIES = Path(__file__).parent.parent / "data" / "histories"
RECORDED = sorted(HISTORIES.glob("customer_change_*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda f: f.stem)
async def test_a_recorded_history_replays(file: Path):
    replayer = Replayer(workflows=[*CHANGE_WORKFLOWS, WatchCertificates])
    await replayer.replay_workflow(WorkflowHistory.from_json(file.stem, file.read_text()))


def test_there_are_histories_to_replay():
    stories = {f.stem.removeprefix("customer_change_") for f in RECORDED}
    assert stories >= {"approved", "rejected", "returned", "withdrawn"}
    assert stories >= {"approved_2", "by_token_2", "overdue_2", "deleted_2", "at_once_2"}  # the second edition's


@pytest.mark.skipif("ARFLOW_RECORD_HISTORIES" not in os.environ, reason="records histories only when asked")
@pytest.mark.parametrize(
    "story", ["approved", "rejected", "returned", "withdrawn", "by_token_2", "overdue_2", "deleted_2", "at_once_2"]
)
async def test_record(temporal_client: Client, office: Office, monkeypatch, story: str):
    queue = f"changes-{office.org}"
    monkeypatch.setattr(composition, "CHANGES_QUEUE", queue)
    if story == "overdue_2":
        steps = [{"role": "ar_manager", "remind_after_seconds": 1, "escalate_after_seconds": 2}, {"role": "controller"}]
        office.policy({"operations": {"create": {"steps": steps}}})
    start = office.create()
    if not story.endswith("_2"):
        start.edition = 1
    async with running(temporal_client, office):
        handle = await temporal_client.start_workflow(
            "CustomerChange", start, id=f"{start.change_id}/CustomerChange", task_queue=queue
        )
        await handle.execute_update("submitted")
        if story.endswith("_2"):
            handle = await _later_story(temporal_client, office, story, start.change_id, handle, queue)
        elif story == "withdrawn":
            await handle.execute_update("withdraw", office.act("change.withdraw", "u_clerk", start.change_id, {}))
        elif story == "rejected":
            await handle.execute_update("decide", office.decide(start.change_id, "u_manager", "reject"))
        else:
            if story == "returned":
                await handle.execute_update("decide", office.decide(start.change_id, "u_manager", "return"))
                await handle.execute_update(
                    "resubmit", office.act("change.resubmit", "u_clerk", start.change_id, {"request": None})
                )
            await handle.signal("decide", {"token": "apt_none.x", "decision": "approve"})
            await handle.execute_update("decide", office.decide(start.change_id, "u_manager"))
            await handle.execute_update("decide", office.decide(start.change_id, "u_controller"))
        await handle.result()
        history = (await handle.fetch_history()).to_json()  # before its own erasure takes it
    HISTORIES.mkdir(exist_ok=True)
    file = HISTORIES / f"customer_change_{story}.json"
    if not file.exists():
        file.write_text(re.sub(r'"[0-9]+@[^"]*"', '"recorded"', history))  # a worker's name is its machine's


async def _later_story(
    client: Client, office: Office, story: str, change: str, handle: WorkflowHandle, queue: str
) -> WorkflowHandle:
    """Of what the second edition can do; the process whose history is worth keeping."""
    if story == "overdue_2":
        while office.change(change).chain.steps[0].escalated_at is None:
            await asyncio.sleep(0.2)
    for user in ("u_manager", "u_controller"):
        said = ActInput(token=office.token(change, user), decision="approve") if story == "by_token_2" else None
        await handle.execute_update("decide", said or office.decide(change, user))
    if story != "deleted_2":
        return handle
    customer, deletion = office.change(change).customer_id, new_id("chg")
    body = {"mode": "hard", "reason_code": "TEST", "force": False}
    command = office.keep("customer.delete", "u_clerk", body, customer, change_workflow_id(deletion))
    last = await client.start_workflow(
        "CustomerChange", ChangeInput(office.org, deletion, command, EDITION), id=change_workflow_id(deletion), task_queue=queue
    )  # fmt: skip
    await last.execute_update("submitted")
    for user in ("u_manager", "u_controller"):
        await last.execute_update("decide", office.decide(deletion, user))
    await last.execute_update("decide", office.decide(deletion, "u_cfo"))
    return last
