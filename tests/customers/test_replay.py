"""Histories of changes from earlier builds replay on this one: a chain that waits for weeks outlives deployments.

`ARFLOW_RECORD_HISTORIES=1 pytest tests/customers/test_replay.py` records them anew; a name once committed is never
recorded over, a changed process gets further ones beside it.
"""

import os
import re
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

import worker as composition
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
    assert {f.stem for f in RECORDED} >= {
        "customer_change_approved",
        "customer_change_rejected",
        "customer_change_returned",
    }


@pytest.mark.skipif("ARFLOW_RECORD_HISTORIES" not in os.environ, reason="records histories only when asked")
@pytest.mark.parametrize("story", ["approved", "rejected", "returned", "withdrawn"])
async def test_record(temporal_client: Client, office: Office, monkeypatch, story: str):
    queue = f"changes-{office.org}"
    monkeypatch.setattr(composition, "CHANGES_QUEUE", queue)
    start = office.create()
    async with running(temporal_client, office):
        handle = await temporal_client.start_workflow(
            "CustomerChange", start, id=f"{start.change_id}/CustomerChange", task_queue=queue
        )
        await handle.execute_update("submitted")
        if story == "withdrawn":
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
    HISTORIES.mkdir(exist_ok=True)
    file = HISTORIES / f"customer_change_{story}.json"
    if not file.exists():
        history = (await handle.fetch_history()).to_json()
        file.write_text(re.sub(r'"[0-9]+@[^"]*"', '"recorded"', history))  # a worker's name is its machine's
