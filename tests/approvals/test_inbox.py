"""Approvals in one place: changes and imports listed, read and decided through one door (docs/approvals.md)."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from models.ids import new_id
from settings import Settings
from stack.temporal import ensure_cli
from tests.customers.desk import Desk, ok, refused
from tests.imports.support import decide, mark, reviewed, see, table, until
from tests.stack_fixtures.app import AppStack


@pytest.fixture(scope="module")
def desk(app_stack: AppStack) -> Iterator[Desk]:
    made = Desk(app_stack, app_stack.organisation("Approvals"))
    yield made
    made.close()


def listed(desk: Desk, user: str, **query: Any) -> list[dict[str, Any]]:
    return list(ok(desk(user).get("/v1/approvals", params={"limit": 200} | query))["items"])


def ids(desk: Desk, user: str, **query: Any) -> list[str]:
    return [a["id"] for a in listed(desk, user, **query)]


def upload(desk: Desk, by: str = "u_clerk") -> str:
    word = mark()
    return str(reviewed(desk(by), table([(word, f"{word}@example.com")]))["id"])


def said(desk: Desk, user: str, approval_id: str, decision: str = "approve", **more: Any):
    return desk(user).post(f"/v1/approvals/{approval_id}/decisions", json={"decision": decision, **more})


def test_what_waits_is_listed_in_one_order_whatever_its_kind(desk: Desk) -> None:
    first = desk.submit(credit_limit="2000000")
    imported = upload(desk)
    last = desk.submit("u_manager")
    waiting = [first["change_id"], imported, last["change_id"]]
    assert [i for i in ids(desk, "u_manager2", awaiting="me") if i in waiting] == waiting
    assert last["change_id"] not in ids(desk, "u_manager", awaiting="me"), "one's own is decided by others"
    assert not set(waiting) & set(ids(desk, "u_controller", awaiting="me"))
    assert set(ids(desk, "u_clerk", submitted="me")) >= {first["change_id"], imported}
    assert last["change_id"] not in ids(desk, "u_clerk", submitted="me")
    assert imported in ids(desk, "u_clerk", kind="import", status="pending")
    assert first["change_id"] not in ids(desk, "u_clerk", kind="import")
    assert imported not in ids(desk, "u_ae"), "who does not read imports is not shown one"
    by_id = {a["id"]: a for a in listed(desk, "u_manager2")}
    change, review = by_id[first["change_id"]], by_id[imported]
    assert (change["kind"], change["subject_id"], change["lane"]) == ("customer_change", first["customer_id"], "yellow")
    assert (change["step"], change["role"], change["summary"]) == (1, "ar_manager", "Create a customer")
    assert change["customer_name"].startswith("Customer ")
    assert [w["code"] for w in change["warnings"]] == ["CREDIT_LIMIT_LARGE"]
    assert ok(desk("u_manager").get(change["href"]))["id"] == change["id"]
    assert (review["kind"], review["subject_id"], review["step"], review["role"]) == ("import", imported, 2, "manager")
    assert "1 to create" in review["summary"]
    assert review["due_at"]
    assert ok(desk("u_manager").get(review["href"]))["id"] == imported


def test_a_page_goes_on_where_the_one_before_ended_through_all_kinds(desk: Desk) -> None:
    made = [desk.submit()["change_id"], upload(desk), desk.submit()["change_id"], upload(desk)]
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = ok(desk("u_manager2").get("/v1/approvals", params={"awaiting": "me", **query}))
        found += [a["id"] for a in page["items"]]
        cursor = page["next_cursor"]
    assert [i for i in found if i in made] == made
    assert len(found) == len(set(found))


def test_a_change_is_decided_as_through_its_own_door(desk: Desk) -> None:
    change = desk.submit()["change_id"]
    refused(said(desk, "u_clerk", change), 403, "FORBIDDEN")
    refused(said(desk, "u_manager", change, "reject"), 422, "REASON_REQUIRED")
    first = said(desk, "u_manager", change, comment="seen")
    assert (first.status_code, first.json()["kind"], first.json()["step"]) == (200, "customer_change", 2)
    assert first.headers["X-Workflow-Id"] == f"{change}/CustomerChange"
    again = said(desk, "u_manager", change)
    assert (again.headers["Idempotent-Replayed"], again.json()["steps"]) == ("true", first.json()["steps"])
    refused(said(desk, "u_manager", change, "approve", step=2), 403, "FORBIDDEN")
    done = ok(said(desk, "u_controller", change))
    assert (done["status"], done["step"], [d["decided_by"] for d in done["decisions"]]) == (
        "APPROVED", None, ["u_manager", "u_controller"],
    )  # fmt: skip
    refused(said(desk, "u_manager2", change), 409, "CHANGE_CLOSED")
    assert change not in ids(desk, "u_clerk", submitted="me")
    assert change in ids(desk, "u_clerk", submitted="me", status="approved")
    assert ok(desk("u_auditor").get(f"/v1/approvals/{change}")) == done
    assert desk.read(done["subject_id"])["status"] == "active"


def test_the_answer_of_a_key_stays_the_first(desk: Desk) -> None:
    change, key = desk.submit()["change_id"], {"Idempotency-Key": new_id("key")}
    url = f"/v1/approvals/{change}/decisions"
    first = desk("u_manager").post(url, json={"decision": "approve"}, headers=key)
    ok(said(desk, "u_controller", change))
    second = desk("u_manager").post(url, json={"decision": "approve"}, headers=key)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")


def test_an_import_is_decided_delegated_and_withdrawn_as_a_change_is(desk: Desk) -> None:
    one = upload(desk)
    refused(said(desk, "u_clerk", one), 403, "FORBIDDEN")
    refused(said(desk, "u_manager", one, "return", reason_code="WRONG_FILE"), 422, "VALIDATION_FAILED")
    refused(said(desk, "u_manager", one, step=3), 409, "IMPORT_NOT_AWAITING_REVIEW")
    url = f"/v1/approvals/{one}/delegate"
    refused(desk("u_manager").post(url, json={"step": 2, "to_user_id": "u_clerk"}), 403, "SEGREGATION_OF_DUTIES")
    given = ok(desk("u_manager").post(url, json={"step": 2, "to_user_id": "u_plain"}))
    assert (given["steps"][1]["delegated_to"], given["steps"][1]["delegated_by"]) == ("u_plain", "u_manager")
    done = ok(said(desk, "u_plain", one, step=2))
    assert (done["status"], done["steps"][1]["on_behalf_of"]) == ("APPROVED", "u_manager")
    assert until(desk("u_clerk"), one)["created"] == 1
    assert said(desk, "u_plain", one).headers["Idempotent-Replayed"] == "true"
    refused(said(desk, "u_manager2", one), 409, "IMPORT_CLOSED")

    other = upload(desk)
    refused(desk("u_manager").post(f"/v1/approvals/{other}/withdraw"), 403, "FORBIDDEN")
    gone = ok(desk("u_clerk").post(f"/v1/approvals/{other}/withdraw", json={"reason_code": "WRONG_FILE"}))
    assert gone["status"] == "WITHDRAWN"
    assert see(desk("u_clerk"), other)["status"] == "CANCELLED"
    rejected = upload(desk)
    assert ok(said(desk, "u_manager", rejected, "reject", reason_code="WRONG_FILE"))["status"] == "REJECTED"
    assert decide(desk("u_manager"), rejected, "reject", reason_code="WRONG_FILE").headers["Idempotent-Replayed"]


def test_several_are_decided_at_once_each_by_itself(desk: Desk) -> None:
    one, two, three = desk.submit()["change_id"], upload(desk), desk.submit("u_manager")["change_id"]
    wanted = [
        {"approval_id": one, "decision": "approve"},
        {"approval_id": "chg_00000000000000000000000000", "decision": "approve"},
        {"approval_id": two, "decision": "reject"},
        {"approval_id": three, "decision": "approve"},
        {"approval_id": two, "decision": "reject", "reason_code": "WRONG_FILE", "comment": "Of last week."},
        {"approval_id": one, "decision": "approve"},
        {"approval_id": "nothing", "decision": "approve"},
    ]
    key = {"Idempotency-Key": new_id("key")}
    first = desk("u_manager").post("/v1/approvals:decide", json={"decisions": wanted}, headers=key)
    items = ok(first)["items"]
    assert [(i["index"], i["approval_id"]) for i in items] == [(n, w["approval_id"]) for n, w in enumerate(wanted)]
    assert [i["status"] for i in items] == ["decided", "failed", "failed", "failed", "decided", "replayed", "failed"]
    assert [i["error"]["code"] for i in items if i["status"] == "failed"] == [
        "CHANGE_NOT_FOUND", "REASON_REQUIRED", "SEGREGATION_OF_DUTIES", "APPROVAL_NOT_FOUND",
    ]  # fmt: skip
    assert (items[0]["approval"]["step"], items[4]["approval"]["status"]) == (2, "REJECTED")
    ok(said(desk, "u_controller", one))
    again = desk("u_manager").post("/v1/approvals:decide", json={"decisions": wanted}, headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [i.get("error") for i in ok(again)["items"]] == [i.get("error") for i in items]
    assert [i.get("approval") for i in again.json()["items"]] == [i.get("approval") for i in items]
    other = desk("u_manager").post("/v1/approvals:decide", json={"decisions": wanted[:1]}, headers=key)
    refused(other, 409, "IDEMPOTENCY_KEY_CONFLICT")
    refused(desk("u_manager").post("/v1/approvals:decide", json={"decisions": []}), 422, "VALIDATION_FAILED")
    too_many = {"decisions": wanted[:1] * 101}
    refused(desk("u_manager").post("/v1/approvals:decide", json=too_many), 422, "VALIDATION_FAILED")
    refused(desk("u_clerk").post("/v1/approvals:decide", json={"decisions": wanted}), 403, "FORBIDDEN")


def test_a_token_for_an_import_decides_it_by_signal_once(
    desk: Desk, temporal_address: str, temporal_namespace: str
) -> None:
    one = upload(desk)
    refused(desk("u_controller").get(f"/v1/approvals/{one}/approval-token"), 403, "FORBIDDEN")
    token = ok(desk("u_manager").get(f"/v1/approvals/{one}/approval-token"))
    assert (token["change_id"], token["step"]) == (one, 2)
    cli = ensure_cli(Settings().temporal_cli, print)

    def signal(word: dict[str, str]) -> None:
        command = [str(cli), "workflow", "signal", "--address", temporal_address, "--namespace", temporal_namespace]
        command += ["--workflow-id", f"{one}/CustomerImport", "--name", "decide", "--input", json.dumps(word)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    signal({"token": "apt_forged.x", "decision": "approve"})
    signal({"token": token["token"], "decision": "approve"})
    assert until(desk("u_clerk"), one)["created"] == 1
    trail = ok(desk("u_controller").get("/v1/audit-events", params={"subject_id": one}))["items"]
    assert [e["payload"]["because"] for e in trail if e["action"] == "import.signal_refused"] == ["TOKEN_FORGED"]
    (decided,) = [e for e in trail if e["action"] == "import.decided"]
    assert (decided["actor"], decided["payload"]["channel"]) == ("u_manager", "signal")


def test_a_token_of_one_entity_sees_and_decides_that_entitys(desk: Desk) -> None:
    ours, theirs = desk.submit(), desk.submit(legal_entity_id="le_uk")
    british = desk("u_manager2", "ar_manager", entities=("le_uk",))
    shown = [a["id"] for a in ok(british.get("/v1/approvals", params={"awaiting": "me", "limit": 200}))["items"]]
    assert theirs["change_id"] in shown
    assert ours["change_id"] not in shown
    refused(british.get(f"/v1/approvals/{ours['change_id']}"), 403, "FORBIDDEN")
    url = f"/v1/approvals/{ours['change_id']}/decisions"
    refused(british.post(url, json={"decision": "approve"}), 403, "FORBIDDEN")


def test_what_nobody_knows_is_not_found(desk: Desk) -> None:
    for unknown, code in (
        ("apr_1", "APPROVAL_NOT_FOUND"),
        ("chg_1", "CHANGE_NOT_FOUND"),
        ("imp_1", "IMPORT_NOT_FOUND"),
    ):
        refused(desk("u_manager").get(f"/v1/approvals/{unknown}"), 404, code)
    refused(said(desk, "u_manager", "pay_1"), 404, "APPROVAL_NOT_FOUND")
    refused(desk("u_manager").get("/v1/approvals", params={"status": "lost"}), 422, "VALIDATION_FAILED")


def test_an_overdue_review_stands_where_it_stood_for_the_new_door(desk: Desk) -> None:
    """What the import's own process does with a deadline is seen in the list as well."""
    step = {"role": "manager", "remind_after_seconds": 1, "escalate_after_seconds": 2, "fallback": "cfo"}
    ok(desk("u_controller").put("/v1/approval-policies", json={"operations": {"import": {"steps": [step]}}}))
    one = upload(desk)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        (mine,) = [a for a in listed(desk, "u_manager", kind="import") if a["id"] == one]
        if mine["steps"][1]["escalated_at"]:
            break
        time.sleep(0.2)
    assert mine["steps"][1]["fallback"] == "cfo"
    ok(said(desk, "u_manager", one))
