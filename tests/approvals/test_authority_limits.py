"""Limits of authority are changed by an approval of the controller and the CFO; what is under way keeps its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from models.ids import new_id
from tests.approvals.ledger import Ledger
from tests.customers.desk import field_codes, ok, refused
from tests.stack_fixtures.app import AppStack


@pytest.fixture
def desk(app_stack: AppStack) -> Iterator[Ledger]:
    made = Ledger(app_stack)
    yield made
    made.close()


def put(desk: Ledger, *limits: tuple[str, str, int | None], by: str = "u_controller", **more: Any):
    body = {"limits": [{"kind": k, "role": r, "limit_minor": m} for k, r, m in limits], **more}
    return desk(by).put("/v1/authority-limits", json=body)


def limits(desk: Ledger) -> dict[tuple[str, str], int | None]:
    found = ok(desk("u_auditor").get("/v1/authority-limits"))
    return {(x["kind"], x["role"]): x["limit_minor"] for x in found["limits"]}


def test_a_change_holds_when_the_controller_and_the_cfo_have_approved(desk: Ledger) -> None:
    asked = ok(put(desk, ("write_off", "ar_clerk", 1_000), version=0), 202)
    assert (asked["id"], asked["status"], asked["version"]) == (asked["approval_id"], "PENDING_APPROVAL", 0)
    assert limits(desk)["write_off", "ar_clerk"] == 500
    url = f"/v1/approvals/{asked['approval_id']}"
    approval = ok(desk("u_auditor").get(url))
    assert (approval["kind"], approval["lane"], [s["role"] for s in approval["steps"]]) == (
        "authority_limits", "red", ["controller", "cfo"],
    )  # fmt: skip
    one = "from 5.00 GBP or 5.00 USD, 1 % of the invoice to 10.00 GBP or 10.00 USD, 1 % of the invoice"
    assert approval["summary"] == f"Change limits of authority: write_off of ar_clerk {one}"
    refused(desk.approve_as(asked["approval_id"], "u_controller"), 403, "SEGREGATION_OF_DUTIES")
    no = refused(put(desk, ("write_off", "ar_clerk", 2_000), by="u_cfo"), 409, "CHANGE_PENDING")
    assert no["approval_id"] == asked["approval_id"]
    ok(desk.approve_as(asked["approval_id"], "u_controller2"))
    assert ok(desk.approve_as(asked["approval_id"], "u_cfo"))["status"] == "APPROVED"
    after = ok(desk("u_auditor").get("/v1/authority-limits"))
    assert (after["version"], after["updated_by"], limits(desk)["write_off", "ar_clerk"]) == (1, "u_controller", 1_000)
    ok(desk.write_off(desk.invoice(1_000)), 201)
    ok(desk.write_off(desk.invoice(1_001)), 202)
    refused(put(desk, ("write_off", "ar_clerk", 5), version=0), 412, "VERSION_MISMATCH")
    (own,) = [x for x in after["limits"] if (x["kind"], x["role"]) == ("write_off", "ar_clerk")]
    assert own["percent"] == "1", "what is not named stays"


def test_where_the_submitter_alone_holds_a_role_it_is_told_at_once(desk: Ledger) -> None:
    """A house with one controller and one CFO: nothing that neither could finish waits unseen."""

    def told(user: str) -> list[tuple[str, str]]:
        found = ok(
            desk(user).get("/v1/exceptions", params={"status": "open", "kind": "approval_unstaffed", "owner": "me"})
        )
        return [(e["subject_id"], e["reason_code"]) for e in found["items"]]

    ok(desk("u_cfo").get("/v1/approvals?awaiting=me"))
    asked = ok(put(desk, ("write_off", "ar_clerk", 1_000)), 202)
    assert [w["code"] for w in asked["warnings"]] == ["APPROVER_MISSING"]
    assert "controller" in asked["warnings"][0]["detail"]
    assert ok(desk("u_cfo").get(f"/v1/approvals/{asked['id']}"))["warnings"] == asked["warnings"]
    assert told("u_cfo") == [(asked["id"], "APPROVER_MISSING")]
    ok(desk("u_controller").post(f"/v1/approvals/{asked['id']}/withdraw"))
    assert told("u_cfo") == []
    other = ok(put(desk, ("write_off", "ar_clerk", 1_000), by="u_cfo"), 202)
    assert told("u_controller") == [(other["id"], "APPROVER_MISSING")], (
        "the CFO's own step is the controller's to see to"
    )
    ok(desk.approve_as(other["id"], "u_controller"))
    assert told("u_controller") != []
    deputy = desk("u_deputy", "cfo").post(f"/v1/approvals/{other['id']}/decisions", json={"decision": "approve"})
    assert ok(deputy)["status"] == "APPROVED", "once another person holds the role"
    assert told("u_controller") == []
    assert ok(put(desk, ("write_off", "ar_clerk", 500), by="u_cfo"), 202)["warnings"] == []


def test_what_is_under_way_keeps_the_limits_that_it_began_with(desk: Ledger) -> None:
    begun = ok(desk.write_off(desk.invoice(60_000)), 202)["approval_id"]
    asked = ok(put(desk, ("write_off", "ar_manager", 100_000)), 202)["approval_id"]
    ok(desk.approve_as(asked, "u_controller2"))
    ok(desk.approve_as(asked, "u_cfo"))
    assert ok(desk.approve_as(begun, "u_manager"))["status"] == "PENDING_APPROVAL"
    done = ok(desk.approve_as(begun, "u_controller"))
    assert (done["status"], done["authority"]["version"]) == ("APPROVED", 0)
    assert [s["limit_minor"] for s in done["authority"]["steps"]] == [50_000, 1_000_000]
    now = ok(desk.write_off(desk.invoice(60_000)), 202)["approval_id"]
    assert ok(desk.approve_as(now, "u_manager"))["status"] == "APPROVED"


def test_who_may_ask_and_what_is_wrong(desk: Ledger) -> None:
    refused(put(desk, ("write_off", "ar_clerk", 1), by="u_manager"), 403, "FORBIDDEN")
    assert field_codes(put(desk, ("write_off", "ar_clerk", 60_000))) == {"/limits": "FIELD_RANGE"}
    assert field_codes(put(desk, ("write_off", "ar_clerk", None))) == {"/limits": "FIELD_RANGE"}
    assert field_codes(put(desk, ("write_off", "ar_clerk", 500))) == {"/limits": "FIELD_INVALID"}
    body = {"limits": [{"kind": "bank_fee", "role": "ar_clerk", "limit_minor": 1, "percent": "1"}]}
    assert field_codes(desk("u_controller").put("/v1/authority-limits", json=body)) == {
        "/limits/0/percent": "FIELD_INVALID"
    }
    narrow = desk("u_controller", "controller", entities=("le_us",))
    refused(narrow.put("/v1/authority-limits", json=body), 403, "FORBIDDEN")
    assert limits(desk)["write_off", "ar_clerk"] == 500


def test_a_change_is_rejected_withdrawn_and_idempotent(desk: Ledger) -> None:
    key = {"Idempotency-Key": new_id("key")}
    body = {"limits": [{"kind": "credit_note", "role": "ar_clerk", "limit_minor": 100}]}
    first = desk("u_controller").put("/v1/authority-limits", json=body, headers=key)
    again = desk("u_controller").put("/v1/authority-limits", json=body, headers=key)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (ok(first, 202), "true")
    approval = first.json()["approval_id"]
    assert ok(desk.approve_as(approval, "u_controller2", "reject", reason_code="TOO_MUCH"))["status"] == "REJECTED"
    other = ok(put(desk, ("credit_note", "ar_clerk", 100)), 202)["approval_id"]
    assert ok(desk("u_controller").post(f"/v1/approvals/{other}/withdraw"))["status"] == "WITHDRAWN"
    assert limits(desk)["credit_note", "ar_clerk"] == 0
    read = ok(desk("u_cfo").get("/v1/authority-limits"))
    read["limits"][0]["limit_minor"] = 499
    sent_back = ok(desk("u_cfo").put("/v1/authority-limits", json=read), 202)
    assert sent_back["limits"][0]["limit_minor"] == 499
