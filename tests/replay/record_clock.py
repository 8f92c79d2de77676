"""Records the histories of what the clock and a deletion set off: `python -m tests.replay.record_clock`. See record.py."""

import asyncio
import os
import re
import tempfile
from pathlib import Path

from temporalio.client import Client

from stack.process import free_port
from stack.runtime import RunningStack
from tests.customers.desk import Desk
from tests.imports.support import table
from tests.imports.test_partner_feed import put
from tests.replay.personal import EMAIL, NAME
from tests.replay.record import CHECKOUT, HISTORIES
from tests.stack_fixtures.private import PrivateStack

SCHEDULED = {
    "seal-trails": "SealTrails",
    "prune-commands": "PruneRecords",
    "keep-rates": "KeepRates",
    "watch-certificates": "WatchCertificates",
    "collect-partner-feeds": "CollectPartnerFeeds",
}


def deletion(stack: PrivateStack, org: str) -> str:
    """A customer deleted for good; the id of the process that erases its histories."""
    desk = Desk(stack, org)
    customer = desk.customer(
        name=NAME, email=EMAIL, tax_profiles=[{"tax_code": "E", "certificate_expires_on": "2027-01-01"}]
    )
    desk.customer(name=f"{NAME} 2", tax_profiles=[{"tax_code": "E", "certificate_expires_on": "2026-01-01"}])
    change = desk("u_clerk").delete(f"/v1/customers/{customer}?mode=hard&reason_code=TEST").json()["change_id"]
    for who in ("u_manager", "u_controller", "u_cfo"):
        desk.decide(change, who).raise_for_status()
    desk.close()
    return f"{change}/EraseHistories"


async def export(runtime: RunningStack, erasing: str) -> None:
    client = await Client.connect(runtime.temporal_address, namespace=runtime.temporal_namespace)
    kept = {"EraseHistories.done": erasing}
    async with asyncio.timeout(180):
        for schedule, kind in SCHEDULED.items():
            await client.get_schedule_handle(schedule).trigger()
            while f"{kind}.done" not in kept:
                await asyncio.sleep(0.3)
                async for run in client.list_workflows(f"WorkflowType = '{kind}' AND ExecutionStatus = 'Completed'"):
                    kept[f"{kind}.done"] = run.id
        for name, workflow_id in kept.items():
            handle = client.get_workflow_handle(workflow_id)
            while (await handle.describe()).close_time is None:
                await asyncio.sleep(0.3)
            text = (await handle.fetch_history()).to_json().replace(f"{CHECKOUT}/", "")
            text = re.sub(r'"[0-9]+@[^"]*"', '"recorded"', text)  # a worker's name is its machine's
            (HISTORIES / f"{name}.json").write_text(text + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="arflow-record-") as home:
        feed = Path(home) / "feed"
        environment = {
            **os.environ, "ARFLOW_HOME": f"{home}/home", "ARFLOW_PORT": str(free_port()),
            "ARFLOW_TEMPORAL_PORT": str(free_port()), "ARFLOW_TEMPORAL_UI_PORT": str(free_port()),
            "ARFLOW_PARTNER_FEED_HOME": str(feed),
        }  # fmt: skip
        feed.mkdir()
        stack = PrivateStack(f"http://127.0.0.1:{environment['ARFLOW_PORT']}", environment).start()
        try:
            org = stack.organisation()
            put(feed, org, "partner.csv", table([(NAME, EMAIL)]))
            runtime = RunningStack.read(stack.home)
            assert runtime is not None
            asyncio.run(export(runtime, deletion(stack, org)))
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
