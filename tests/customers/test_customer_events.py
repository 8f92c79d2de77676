"""What becomes of a customer is told to the world, in order, by ids alone."""

import re
import time

import httpx2

from tests.catalogue import assert_as_catalogued
from tests.customers.desk import Desk, ok


def told(desk: Desk, *subjects: str) -> list[dict]:
    events, cursor = [], None
    while True:
        page = ok(desk("u_ops").get("/v1/events", params={"limit": 200} | ({"cursor": cursor} if cursor else {})))
        events += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return [e for e in events if e["subject"] in subjects]


def test_each_step_of_a_customers_life_is_an_event(own_desk: Desk):
    desk, clerk = own_desk, own_desk("u_clerk")
    other = desk.submit()
    desk.approve(other)
    made = desk.submit(name="Nobody Shall Read This")
    desk.approve(made)
    customer = made["customer_id"]
    changed = desk.patch(customer, notes="x")
    desk.approve(changed)
    ended = ok(clerk.delete(f"/v1/customers/{customer}"), 202)
    desk.approve(ended)
    back = ok(clerk.post(f"/v1/customers/{customer}/reactivate"), 202)
    desk.approve(back)
    gone = ok(clerk.delete(f"/v1/customers/{customer}?mode=hard&reason_code=TEST"), 202)
    desk.approve(gone, "u_manager", "u_controller", "u_cfo")
    changes = [c["change_id"] for c in (made, changed, ended, back, gone)]
    deadline = time.monotonic() + 120
    while "customer.deleted" not in [e["type"] for e in told(desk, customer)]:
        assert time.monotonic() < deadline, told(desk, customer)
        time.sleep(0.1)
    seen = told(desk, customer, *changes)
    assert_as_catalogued(seen)
    assert [e["type"] for e in seen if e["subject"] == customer] == [
        "customer.created", "customer.updated", "customer.deactivated", "customer.updated", "customer.deleted",
    ]  # fmt: skip
    for change, steps in zip(changes, (2, 2, 2, 2, 3), strict=True):
        assert [e["type"] for e in seen if e["subject"] == change] == [
            "customer.change.submitted", *["customer.change.decided"] * steps,
        ]  # fmt: skip
    assert all((e["specversion"], e["source"]) == ("1.0", f"/organisations/{desk.org}") for e in seen)
    assert len({e["id"] for e in seen}) == len(seen)
    assert "Nobody Shall" not in str(seen)
    kept = told(desk, other["customer_id"], other["change_id"])
    assert_as_catalogued(kept)
    assert all(len(e["data"]) > 1 for e in kept)


def test_changes_and_decisions_are_counted(own_desk: Desk):
    def counted() -> dict[str, float]:
        text = httpx2.get(f"{own_desk.stack.base_url}/metrics", trust_env=False, timeout=60).text
        told = re.findall(r'^arflow_commands_total\{operation="([^"]+)",result="done"\} (\S+)$', text, re.MULTILINE)
        return {operation: float(value) for operation, value in told}

    before = counted()
    own_desk.approve(own_desk.submit())
    after = counted()
    assert after["customer.create"] >= before.get("customer.create", 0) + 1
    assert after["change.decide"] >= before.get("change.decide", 0) + 2
