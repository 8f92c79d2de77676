"""Records the histories of imports: `python -m tests.replay.record_imports`. See record.py for what they are for."""

import asyncio
import os
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from demo.crm import CREDENTIAL, Crm
from stack.process import free_port
from stack.runtime import RunningStack
from tests.imports.support import decide, send, until
from tests.replay.personal import EMAIL, NAME
from tests.replay.record import CHECKOUT, HISTORIES
from tests.stack_fixtures.private import PrivateStack

ACCOUNT = {"Id": "001000000000001AAA", "Name": NAME, "Contacts": [{"Email": EMAIL, "LastName": NAME}]}


def imports(stack: PrivateStack, org: str, crm: Crm) -> dict[str, str]:
    """The runs that are worth keeping: history → workflow id."""
    clerk, manager, ops = (
        stack.client(org, user, role)
        for user, role in (("u_clerk", "ar_clerk"), ("u_manager", "ar_manager"), ("u_ops", "ops"))
    )
    people = [f'"{NAME} {n}",{n}.{EMAIL}' for n in range(3_000)]
    content = ("name,email\n" + "\n".join(people) + "\n").encode()
    kept = {}

    def reviewed(name: str, **options: Any) -> str:
        sent = send(clerk, content, **options).json()
        kept[name] = str(sent["workflow_id"])
        until(clerk, sent["id"], "AWAITING_REVIEW")
        return str(sent["id"])

    reviewed("CustomerImport.validated", validate_only=True)
    one = reviewed("CustomerImport.completed", batch_size=10)
    assert decide(manager, one).status_code == 200
    assert clerk.post(f"/v1/customer-imports/{one}/pause").status_code == 200
    assert clerk.post(f"/v1/customer-imports/{one}/resume").status_code == 200
    until(clerk, one)
    two = reviewed("CustomerImport.rejected", batch_size=20)
    assert decide(manager, two, "reject", reason_code="WRONG_FILE", comment=NAME).status_code == 200
    three = reviewed("CustomerImport.cancelled", batch_size=30)
    assert clerk.post(f"/v1/customer-imports/{three}/cancel").status_code == 200
    step = {"role": "manager", "remind_after_seconds": 1, "escalate_after_seconds": 2}
    controller = stack.client(org, "u_controller", "controller")
    controller.put("/v1/approval-policies", json={"operations": {"import": {"steps": [step]}}}).raise_for_status()
    four = reviewed("CustomerImport.overdue", batch_size=40)
    time.sleep(4)
    assert decide(manager, four, "reject", reason_code="WRONG_FILE").status_code == 200
    (stack.home / "secrets" / org).mkdir(parents=True, exist_ok=True)
    (stack.home / "secrets" / org / "sales").write_text(CREDENTIAL)
    body = {"kind": "salesforce", "base_url": crm.url, "credential": "sales", "panels": []}
    ops.put("/v1/source-connections/sales", json=body).raise_for_status()
    crm.script = ["ok", "busy", "error"]
    options = '{"source": "salesforce", "legal_entity_id": "le_us", "connection": "sales"}'
    pulled = clerk.post("/v1/customer-imports", files={"options": (None, options)}).json()
    kept["CustomerImport.pulled"] = pulled["workflow_id"]
    until(clerk, pulled["id"], "AWAITING_REVIEW")
    assert clerk.post(f"/v1/customer-imports/{pulled['id']}/cancel").status_code == 200
    return kept


async def export(stack: PrivateStack, kept: dict[str, str]) -> None:
    running = RunningStack.read(stack.home)
    assert running is not None
    client = await Client.connect(running.temporal_address)
    await client.get_schedule_handle("prune-imports").trigger()
    until_then = time.monotonic() + 60
    while not (found := [w async for w in client.list_workflows("WorkflowType = 'PruneImports'")]):
        assert time.monotonic() < until_then
        await asyncio.sleep(timedelta(seconds=0.2).total_seconds())
    kept["PruneImports.done"] = found[0].id
    for name, workflow_id in kept.items():
        handle = client.get_workflow_handle(workflow_id)
        while (await handle.describe()).close_time is None:
            assert time.monotonic() < until_then, name
            await asyncio.sleep(timedelta(seconds=0.1).total_seconds())
        text = (await handle.fetch_history()).to_json().replace(f"{CHECKOUT}/", "").replace(sys.base_prefix, "python")
        (HISTORIES / f"{name}.json").write_text(text + "\n")


def main() -> None:
    crm = Crm()
    crm.accounts.rows = [ACCOUNT]
    with tempfile.TemporaryDirectory(prefix="arflow-record-") as home:
        ports = {f"ARFLOW_{name}": str(free_port()) for name in ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")}
        stack = PrivateStack(
            f"http://127.0.0.1:{ports['ARFLOW_PORT']}", {**os.environ, "ARFLOW_HOME": f"{home}/home", **ports}
        )
        stack.start()
        try:
            kept = imports(stack, stack.organisation(NAME), crm)
            asyncio.run(export(stack, kept))
        finally:
            stack.stop()
            crm.close()


if __name__ == "__main__":
    main()
