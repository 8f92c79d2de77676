"""Decisions of many approvals that are sent again while they are carried out, through several API processes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from models.ids import new_id
from stack.process import free_port
from tests.customers.desk import Desk, ok
from tests.stack_fixtures.app import Access, AppStack, run_process


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Desk]:
    made = Desk(app_stack, app_stack.organisation("Approvals"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def second_api(app_stack: AppStack) -> Iterator[str]:
    """Another API process on the same books; its base URL."""
    port = free_port()
    process = run_process("api", app_stack.home, app_stack.environment | {"ARFLOW_PORT": str(port)})
    url = f"http://127.0.0.1:{port}"
    try:
        Access(url, app_stack.environment).wait_ready(everything=False)
        yield url
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["to the same process", "to another process"])
def test_several_that_are_sent_again_while_they_are_decided_are_decided_once(
    desk: Desk, second_api: str, elsewhere: bool
) -> None:
    own, manager, key = desk.submit("u_manager")["change_id"], desk("u_manager"), {"Idempotency-Key": new_id("key")}
    body = {"decisions": [{"approval_id": own, "decision": "approve"}] * 60}
    there = (second_api if elsewhere else "") + "/v1/approvals:decide"

    def refused_so_far() -> int:
        trail = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": own, "limit": 200}))["items"]
        return sum(e["action"] == "change.decide.refused" for e in trail)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(manager.post, "/v1/approvals:decide", json=body, headers=key)
        while not refused_so_far():
            time.sleep(0.01)
        again = manager.post(there, json=body, headers=key)
        first = asked.result()
    assert refused_so_far() == len(ok(first)["items"]) == 60
    assert again.json() == first.json()
    assert [a.headers.get("Idempotent-Replayed") for a in (first, again)] == [None, "true"]


def test_several_that_a_process_began_to_decide_are_decided_by_the_next_one(desk: Desk, second_api: str) -> None:
    own, manager, key = desk.submit("u_manager")["change_id"], desk("u_manager"), {"Idempotency-Key": new_id("key")}
    port = free_port()
    process = run_process("api", desk.stack.home, desk.stack.environment | {"ARFLOW_PORT": str(port)})
    dying = f"http://127.0.0.1:{port}"
    Access(dying, desk.stack.environment).wait_ready(everything=False)
    body = {"decisions": [{"approval_id": own, "decision": "approve"}] * 60}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            httpx2.post, f"{dying}/v1/approvals:decide", json=body, headers=manager.headers | key, timeout=60
        )
        while not ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": own, "limit": 3}))["items"][2:]:
            time.sleep(0.01)
        process.kill()
        process.wait()
        with pytest.raises(httpx2.HTTPError):
            asked.result()
    again = ok(manager.post(f"{second_api}/v1/approvals:decide", json=body, headers=key))
    assert {i["error"]["code"] for i in again["items"]} == {"SEGREGATION_OF_DUTIES"}
