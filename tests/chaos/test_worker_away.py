"""What is answered while the worker is away: the shape that the ordinary 202 has, with the record's id, and where to ask."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx2

from tests.customers.desk import Desk, ok
from tests.stack_fixtures.private import PrivateStack

LINES = "date,amount,currency,payer,reference,remittance_text\n2026-01-15,3.00,USD,A,r,nothing\n"
CUSTOMERS = "name,email\nImported,imported@example.com\n"


def location(workflow_id: str) -> str:
    return f"/v1/operations/{quote(workflow_id, safe='')}"


def test_a_202_has_one_shape(private_stack: Callable[..., PrivateStack]) -> None:
    stack = private_stack().start()
    desk = Desk(stack, stack.organisation())
    impatient = Desk(stack, desk.org, patient=False)
    there = desk.customer()
    pending = desk.submit()
    clerk = impatient("u_clerk")
    sent: dict[str, Callable[[], httpx2.Response]] = {
        "create": lambda: clerk.post("/v1/customers", json=desk.body()),
        "update": lambda: clerk.patch(f"/v1/customers/{there}", json={"phone": "+1 212 555 0100"}),
        "deactivate": lambda: clerk.delete(f"/v1/customers/{there}"),
        "decide": lambda: impatient.decide(pending, "u_manager"),
        "withdraw": lambda: clerk.post(f"/v1/customer-changes/{pending['change_id']}/withdraw"),
        "statement": lambda: clerk.post(
            "/v1/bank-accounts/bank_us/statements", files={"file": ("s.csv", LINES.encode(), "text/csv")}
        ),
        "import": lambda: clerk.post(
            "/v1/customer-imports", files={"file": ("c.csv", CUSTOMERS.encode(), "text/csv")},
            data={"options": '{"source": "csv", "legal_entity_id": "le_us"}'},
        ),
    }  # fmt: skip
    worker = stack.pids()["worker"]
    os.kill(worker, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(len(sent)) as pool:
            asked = {name: pool.submit(call) for name, call in sent.items()}
            answers = {name: a.result(timeout=90) for name, a in asked.items()}
        said: dict[str, Any] = {name: ok(a, 202) for name, a in answers.items()}
        for name in ("create", "update", "deactivate", "decide", "withdraw"):
            assert set(said[name]) == set(pending), name
            assert answers[name].headers["Location"] == location(said[name]["workflow_id"]), name
            assert answers[name].headers["X-Workflow-Id"] == said[name]["workflow_id"], name
            assert ok(clerk.get(answers[name].headers["Location"]))["status"] == "running", name
        new = [(said[n]["status"], said[n]["warnings"]) for n in ("create", "update", "deactivate")]
        assert new == [("SUBMITTED", [])] * 3
        assert [said[n]["customer_id"] for n in ("update", "deactivate")] == [there, there]
        assert [said[n] for n in ("decide", "withdraw")] == [pending, pending]
        assert said["statement"]["id"].startswith("stmt_")
        assert (said["import"]["id"][:4], said["import"]["status"]) == ("imp_", "STAGING")
        known = {n: ok(clerk.get(f"/v1/customer-changes/{said[n]['change_id']}")) for n in ("create", "update")}
        assert [(c["status"], c["steps"]) for c in known.values()] == [("SUBMITTED", [])] * 2
        assert known["create"]["customer_id"] == said["create"]["customer_id"]
    finally:
        os.kill(worker, signal.SIGCONT)
    created = said["create"]
    deadline = time.monotonic() + 120
    while (found := clerk.get(f"/v1/customer-changes/{created['change_id']}")).json().get(
        "status"
    ) != "PENDING_APPROVAL":
        assert time.monotonic() < deadline, found.text
        time.sleep(0.2)
    assert found.json()["customer_id"] == created["customer_id"]
    desk.close()
    impatient.close()
    assert stack.stop() == 0
