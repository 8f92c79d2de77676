"""A step that nobody decides: reminder, then escalation, once each; a late decision wins (issue: SLA per step)."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.catalogue import assert_as_catalogued
from tests.customers.desk import Desk, ok, refused
from tests.customers.test_customer_events import told
from tests.customers.test_signals import wait

SHORT = {"role": "ar_manager", "remind_after_seconds": 1, "escalate_after_seconds": 2, "fallback": "cfo"}


def exceptions(desk: Desk, change: dict, status: str = "open") -> dict[str, dict]:
    found = ok(desk("u_controller").get("/v1/exceptions", params={"status": status, "limit": 200}))["items"]
    return {e["reason_code"]: e for e in found if e["subject_id"] == change["change_id"]}


def test_an_overdue_step_is_reminded_then_escalated_and_still_decided(own_desk: Desk):
    desk = own_desk
    policy = {"operations": {"create": {"steps": [SHORT, {"role": "controller"}]}}}
    ok(desk("u_controller").put("/v1/approval-policies", json=policy))
    change = desk.submit()
    wait(lambda: "APPROVAL_OVERDUE" in exceptions(desk, change), 30)
    found, reminders = exceptions(desk, change), exceptions(desk, change, "resolved")
    assert (set(found), set(reminders)) == ({"APPROVAL_OVERDUE"}, {"APPROVAL_DUE"}), "one desk at a time"
    assert reminders["APPROVAL_DUE"]["owner_role"] == "ar_manager"
    assert reminders["APPROVAL_DUE"]["resolution_code"] == "ESCALATED"
    assert found["APPROVAL_OVERDUE"]["owner_role"] == "cfo"
    step = desk.change(change)["steps"][0]
    begun, due = (datetime.fromisoformat(step[name]) for name in ("started_at", "due_at"))
    assert due - begun == timedelta(seconds=2)
    for e in (*found.values(), *reminders.values()):
        assert datetime.fromisoformat(e["due_at"]) == due
    assert step["started_at"] < step["reminded_at"] < step["escalated_at"]
    time.sleep(1)
    assert set(exceptions(desk, change)) == {"APPROVAL_OVERDUE"}
    url = f"/v1/customer-changes/{change['change_id']}"
    refused(desk("u_cfo").post(f"{url}/decisions", json={"decision": "approve"}), 403, "FORBIDDEN")
    handed = ok(desk("u_cfo").post(f"{url}/delegate", json={"step": 1, "to_user_id": "u_manager2"}))
    assert handed["steps"][0]["delegated_to"] == "u_manager2"
    assert desk.approve(change, "u_manager2", "u_controller")["status"] == "APPROVED"
    assert exceptions(desk, change) == {}
    assert set(exceptions(desk, change, "resolved")) == {"APPROVAL_DUE", "APPROVAL_OVERDUE"}
    events = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": change["change_id"]}))["items"]
    actions = [e["action"].removeprefix("customer.change.") for e in events]
    assert sorted(actions[1:3]) == ["escalated", "reminded"]
    wait(lambda: any(e["type"] == "customer.change.decided" for e in told(desk, change["change_id"])), 30)
    outside = {e["type"]: e["data"] for e in told(desk, change["change_id"])}
    assert outside["customer.change.reminded"]["owner_role"] == "ar_manager"
    assert outside["customer.change.escalated"]["owner_role"] == "cfo"
    assert_as_catalogued(told(desk, change["change_id"]))


def test_a_decision_in_time_leaves_no_deadline(own_desk: Desk):
    desk = own_desk
    for seconds in (3, 12, 48):  # a machine that stood still is given more time
        steps = [
            SHORT | {"remind_after_seconds": seconds, "escalate_after_seconds": seconds + 1},
            {"role": "controller"},
        ]
        ok(desk("u_controller").put("/v1/approval-policies", json={"operations": {"create": {"steps": steps}}}))
        change = desk.submit()
        first = ok(desk.decide(change, "u_manager"))["steps"][0]
        started, decided = (datetime.fromisoformat(first[name]) for name in ("started_at", "decided_at"))
        if (decided - started).total_seconds() < seconds:
            break
    time.sleep(seconds + 2)
    assert exceptions(desk, change) == {}
    assert desk.change(change)["steps"][0]["reminded_at"] is None


@pytest.mark.parametrize("deadline", ["reminder", "escalation"])
def test_a_decision_that_races_the_timer_counts_once_and_leaves_nothing_of_the_deadline(own_desk: Desk, deadline: str):
    """On the real server, some milliseconds before the deadline to some after: whoever comes first."""
    desk = own_desk
    seconds = {
        "remind_after_seconds": 2 if deadline == "reminder" else 1,
        "escalate_after_seconds": 3600 if deadline == "reminder" else 2,
    }
    steps = [SHORT | seconds, {"role": "controller"}]
    ok(desk("u_controller").put("/v1/approval-policies", json={"operations": {"create": {"steps": steps}}}))
    for person in ("u_manager", "u_clerk"):
        desk(person)  # before the threads

    def raced(offset: float) -> dict:
        change = desk.submit()
        started = datetime.fromisoformat(desk.change(change)["steps"][0]["started_at"])
        time.sleep(max(0.0, 2 + offset - (datetime.now(UTC) - started).total_seconds()))
        ok(desk.decide(change, "u_manager"))
        return change

    with ThreadPoolExecutor(6) as pool:
        changes = list(pool.map(raced, (-0.06, -0.03, -0.01, 0.0, 0.02, 0.04)))
    time.sleep(2)
    for change in changes:
        first, second = desk.change(change)["steps"]
        assert (first["status"], first["decided_by"], second["status"]) == ("APPROVED", "u_manager", "PENDING")
        assert first["escalated_at"] is None or deadline == "escalation"
        assert (second["reminded_at"], second["escalated_at"]) == (None, None)
        assert exceptions(desk, change) == {}
