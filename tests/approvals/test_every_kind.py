"""Of whatever kind an approval is, people, tokens and deadlines do the same to it (docs/approvals.md)."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from models.ids import new_id
from tests.approvals.ledger import TODAY, Ledger, verified
from tests.customers.desk import field_codes, ok, refused
from tests.customers.test_customer_events import told
from tests.customers.test_signals import wait
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Ledger]:
    yield from verified(app_stack)


def _write_off(desk: Ledger) -> str:
    return str(ok(desk.write_off(desk.invoice(60_000)), 202)["approval_id"])


def _credit_note(desk: Ledger) -> str:
    body = {"customer_id": desk.payer, "external_id": new_id("ext"), "issue_date": TODAY, "currency_code": "USD",
            "total_minor": 200_000, "reason_code": "GOODS_RETURNED"}  # fmt: skip
    return str(ok(desk("u_clerk").post("/v1/credit-notes", json=body), 202)["approval_id"])


def _deduction(desk: Ledger) -> str:
    body = {"invoice_id": desk.invoice(300_000), "amount_minor": 200_000, "reason_code": "DAMAGED_GOODS"}
    opened = ok(desk("u_clerk").post("/v1/deductions", json=body), 201)["id"]
    accept = {"decision": "accept", "reason_code": "DAMAGED"}
    return str(ok(desk("u_clerk").post(f"/v1/deductions/{opened}/resolve", json=accept), 202)["approval_id"])


def _limits(desk: Ledger) -> str:
    """Other limits each time; whatever was asked for before is over by then."""
    minor = 5_000 + int(time.time()) % 1_000
    body = {"limits": [{"kind": "bank_fee", "role": "ar_clerk", "limit_minor": minor}]}
    return str(ok(desk("u_controller2").put("/v1/authority-limits", json=body), 202)["approval_id"])


ASK: dict[str, Callable[[Ledger], str]] = {
    "write_off": _write_off, "credit_note": _credit_note, "deduction": _deduction, "authority_limits": _limits,
}  # fmt: skip
SUBMITTER = {"authority_limits": "u_controller2"}
DECIDE = {"authority_limits": ("u_controller", "u_cfo")}
AFTER = {"write_off": "POSTED", "credit_note": "OPEN", "deduction": "ACCEPTED"}
"""What the record is once all have approved."""

each_kind = pytest.mark.parametrize("kind", ASK)


def people(kind: str) -> tuple[str, str]:
    return DECIDE.get(kind, ("u_manager", "u_controller"))


@each_kind
async def test_a_token_decides_by_signal_and_by_update(desk: Ledger, temporal_client: Client, kind: str) -> None:
    approval = ASK[kind](desk)
    url, (first, second) = f"/v1/approvals/{approval}", people(kind)
    process = temporal_client.get_workflow_handle(ok(desk(first).get(url))["workflow_id"])
    refused(desk(SUBMITTER.get(kind, "u_clerk")).get(f"{url}/approval-token"), 403, _own(kind))
    token = ok(desk(first).get(f"{url}/approval-token"))["token"]
    await signal_once_begun(process, {"token": "apt_forged.x", "decision": "approve"})
    await process.signal("decide", {"token": token, "decision": "approve"})
    wait(lambda: ok(desk(first).get(url))["step"] == 2, 30)
    await process.signal("decide", {"token": token, "decision": "approve"})
    other = ok(desk(second).get(f"{url}/approval-token"))["token"]
    done = await process.execute_update("decide", {"token": other, "decision": "approve"}, result_type=dict[str, Any])
    assert done["status"] == "APPROVED"
    found = ok(desk(first).get(url))
    said = [(d["decided_by"], d["channel"]) for d in found["decisions"]]
    assert (found["kind"], found["status"], said) == (kind, "APPROVED", [(first, "signal"), (second, "update")])
    record = ok(desk("u_controller").get(found["href"]))
    assert record.get("status") == AFTER.get(kind)
    trail = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": approval}))["items"]
    refusals = {e["payload"].get("because") for e in trail if e["action"] == "approval.signal_refused"}
    assert refusals == {"TOKEN_FORGED", "TOKEN_USED"}


async def signal_once_begun(process: WorkflowHandle[Any, Any], word: dict[str, str]) -> None:
    """The relay begins the process a moment after the request is answered."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await process.signal("decide", word)
        except RPCError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


def _own(kind: str) -> str:
    return "SEGREGATION_OF_DUTIES" if kind in SUBMITTER else "FORBIDDEN"


@each_kind
def test_a_step_is_delegated_past_who_is_away_returned_and_asked_for_again(desk: Ledger, kind: str) -> None:
    approval = ASK[kind](desk)
    url, (first, second), submitter = f"/v1/approvals/{approval}", people(kind), SUBMITTER.get(kind, "u_clerk")
    role = ok(desk(first).get(url))["role"]
    away, there = desk(f"u_{kind}_away", role), desk(f"u_{kind}_there", role)
    ok(there.get("/v1/approvals?awaiting=me"))
    now = datetime.now(UTC)
    absence = {"delegate_user_id": f"u_{kind}_there", "starts_at": (now - timedelta(days=1)).isoformat(),
               "ends_at": (now + timedelta(days=1)).isoformat()}  # fmt: skip
    ok(away.put("/v1/out-of-office", json=absence))
    given = ok(desk(first).post(f"{url}/delegate", json={"step": 1, "to_user_id": f"u_{kind}_away"}))
    assert given["steps"][0]["delegated_to"] == f"u_{kind}_there"
    back = ok(there.post(f"{url}/decisions", json={"decision": "return", "reason_code": "NO_EVIDENCE"}))
    assert (back["returned"], back["step"], back["decisions"][0]["on_behalf_of"]) == (True, None, first)
    again = ok(desk(submitter).post(f"{url}/resubmit", json={"comment": "letter attached"}))
    assert (again["round"], again["step"], again["steps"][0]["delegated_to"]) == (2, 1, None)
    ok(desk.approve_as(approval, first))
    refused(desk.approve_as(approval, second, "reject"), 422, "REASON_REQUIRED")
    over = ok(desk.approve_as(approval, second, "reject", reason_code="TOO_MUCH"))
    assert over["status"] == "REJECTED"


def _escalated(desk: Ledger, approval: str) -> bool:
    return bool(ok(desk("u_cfo").get(f"/v1/approvals/{approval}"))["steps"][0]["escalated_at"])


def test_deadlines_are_the_organisations_own_by_kind_and_role(app_stack: AppStack) -> None:
    desk = Ledger(app_stack)
    short = [{"role": r, "remind_after_seconds": 1, "escalate_after_seconds": 2} for r in ("ar_manager", "controller")]
    short[0] |= {"fallback": "cfo"}
    policy = {"deadlines": dict.fromkeys(ASK, short)}
    refused(desk("u_manager").put("/v1/approval-policies", json=policy), 403, "FORBIDDEN")
    put = ok(desk("u_controller").put("/v1/approval-policies", json=policy))
    assert put["effective_deadlines"]["deduction"] == [
        {"role": "ar_manager", "remind_after_seconds": 1, "escalate_after_seconds": 2, "fallback": "cfo"},
        {"role": "controller", "remind_after_seconds": 1, "escalate_after_seconds": 2, "fallback": "cfo"},
        {"role": "cfo", "remind_after_seconds": 86_400, "escalate_after_seconds": 172_800, "fallback": "controller"},
    ]
    assert ok(desk("u_controller").put("/v1/approval-policies", json=put))["version"] == 2, "as it was read"
    asked = {kind: ask(desk) for kind, ask in ASK.items()}
    for kind, approval in asked.items():
        wait(partial(_escalated, desk, approval), 60)
        events = {e["type"]: e["data"] for e in told(desk, approval)}
        assert {"approval.reminded", "approval.escalated"} <= events.keys(), kind
        assert events["approval.escalated"]["owner_role"] == "cfo"
    one = ok(desk("u_cfo").get(f"/v1/approvals/{asked['write_off']}"))["steps"][0]
    begun, due = (datetime.fromisoformat(one[name]) for name in ("started_at", "due_at"))
    assert due - begun == timedelta(seconds=2)
    ok(desk("u_controller").put("/v1/approval-policies", json={}))
    handed = ok(
        desk("u_cfo").post(f"/v1/approvals/{asked['write_off']}/delegate", json={"step": 1, "to_user_id": "u_manager2"})
    )
    assert handed["steps"][0]["delegated_to"] == "u_manager2"
    ok(desk.approve_as(asked["write_off"], "u_manager2", "return", reason_code="NO_EVIDENCE"))
    again = ok(desk("u_clerk").post(f"/v1/approvals/{asked['write_off']}/resubmit"))["steps"][0]
    begun, due = (datetime.fromisoformat(again[name]) for name in ("started_at", "due_at"))
    assert due - begun == timedelta(hours=48), "a resubmission takes the deadlines of its day"
    desk.close()


def test_deadlines_that_are_wrong_are_refused_with_their_place(desk: Ledger) -> None:
    def codes(deadlines: object) -> dict[str, str]:
        return field_codes(desk("u_controller").put("/v1/approval-policies", json={"deadlines": deadlines}))

    late = {"role": "cfo", "remind_after_seconds": 5, "escalate_after_seconds": 5}
    assert codes({"write_off": [late]}) == {"/deadlines/write_off/0": "FIELD_RANGE"}
    assert codes({"write_off": [{"role": "cfo"}, {"role": "cfo"}]}) == {"/deadlines/write_off": "FIELD_INVALID"}
    assert set(codes({"write_off": [{"role": "ar_clerk"}]})) == {"/deadlines/write_off/0/role"}
    assert codes({"payment": []}) == {"/deadlines": "FIELD_UNKNOWN"}
