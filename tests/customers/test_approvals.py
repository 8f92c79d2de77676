"""Decisions over HTTP: who, in which order, how often; delegation, return, withdrawal, policies (docs/api.md, section 4)."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.customers.desk import ROLES, Desk, field_codes, fresh, ok, refused

# docs/sources.md, CUS-7 to CUS-9. Each step: the role it needs and, of the people here, who holds it.
TABLE = {
    "create": (["ar_manager", "controller"], "yellow"),
    "update": (["ar_manager", "controller"], "yellow"),
    "reactivate": (["ar_manager", "controller"], "yellow"),
    "deactivate": (["manager", "controller"], "yellow"),
    "delete": (["manager", "controller", "cfo"], "red"),
}
HOLDERS = {
    "ar_manager": ["u_manager", "u_manager2"],
    "manager": ["u_plain", "u_manager"],
    "controller": ["u_controller", "u_controller2"],
    "cfo": ["u_cfo"],
}
EVERYBODY = ["u_clerk", "u_plain", "u_manager", "u_controller", "u_cfo", "u_ae", "u_auditor", "u_ops", "u_all"]


def submit(desk: Desk, operation: str) -> dict:
    clerk = desk("u_clerk")
    if operation == "create":
        return desk.submit()
    customer = desk.customer()
    url = f"/v1/customers/{customer}"
    if operation == "update":
        return desk.patch(customer, notes="x")
    if operation == "delete":
        return ok(clerk.delete(url, params={"mode": "hard", "reason_code": "TEST_RECORD"}), 202)
    change = ok(clerk.delete(url), 202)
    if operation == "deactivate":
        return change
    desk.approve(change)
    return ok(clerk.post(f"{url}/reactivate"), 202)


def expected(operation: str, pending: int, user: str, step: int, decided: dict[int, str]) -> tuple[int, str] | None:
    """What docs/api.md, section 4, says of `user` deciding `step` while `pending` is pending; None: accepted."""
    roles = set(ROLES[user]) | ({"manager"} if "ar_manager" in ROLES[user] else set())
    if not roles & {"manager", "controller", "cfo"} or TABLE[operation][0][step - 1] not in roles:
        return 403, "FORBIDDEN"
    if user in {u for n, u in decided.items() if n != step}:
        return 403, "SEGREGATION_OF_DUTIES"
    if decided.get(step) == user:
        return 200, "REPLAYED"
    return None if step == pending else (409, "STEP_NOT_PENDING")


@pytest.mark.parametrize("operation", TABLE)
def test_the_decision_table_holds_for_everyone_at_every_step(desk: Desk, operation):
    change = submit(desk, operation)
    roles, lane = TABLE[operation]
    seen = desk.change(change)
    assert ([s["role"] for s in seen["steps"]], seen["lane"]) == (roles, lane)
    decided: dict[int, str] = {}
    for pending in range(1, len(roles) + 1):
        right = HOLDERS[roles[pending - 1]][0]
        for user, step in itertools.product(EVERYBODY, range(1, len(roles) + 1)):
            said = expected(operation, pending, user, step, decided)
            if said == (200, "REPLAYED"):
                assert desk.decide(change, user, step=step).headers["Idempotent-Replayed"] == "true"
            elif said is not None:
                refused(desk.decide(change, user, step=step), *said)
        done = ok(desk.decide(change, right, step=pending))
        decided[pending] = right
        assert done["steps"][pending - 1]["decided_by"] == right
    assert done["status"] == "APPROVED"
    for user in {"u_manager2", "u_plain", "u_cfo"} - {decided[len(roles)]}:
        refused(desk.decide(change, user, step=len(roles)), 409, "CHANGE_CLOSED")


def test_the_submitter_decides_nothing_whatever_he_may_be(desk: Desk):
    change = desk.submit("u_all")
    for step in (1, 2):
        refused(desk.decide(change, "u_all", step=step), 403, "SEGREGATION_OF_DUTIES")
    ok(desk.decide(change, "u_manager"))
    refused(desk.decide(change, "u_all"), 403, "SEGREGATION_OF_DUTIES")


def test_one_person_does_not_decide_two_steps(desk: Desk):
    change = desk.submit()
    ok(desk.decide(change, "u_all"))
    refused(desk.decide(change, "u_all", "reject", step=1, reason_code="TEST"), 409, "STEP_NOT_PENDING")
    refused(desk.decide(change, "u_all"), 403, "SEGREGATION_OF_DUTIES")
    ok(desk.decide(change, "u_controller"))


def test_a_rejection_needs_a_reason_and_closes_the_change(desk: Desk):
    change = desk.submit()
    for decision in ("reject", "return"):
        refused(desk.decide(change, "u_manager", decision), 422, "REASON_REQUIRED")
    assert field_codes(desk.decide(change, "u_manager", "reject", reason_code="not upper")) == {
        "/reason_code": "FIELD_FORMAT"
    }
    done = ok(desk.decide(change, "u_manager", "reject", reason_code="WRONG_TERMS", comment="See mail of Monday."))
    assert done["status"] == "REJECTED"
    assert [s["status"] for s in done["steps"]] == ["REJECTED", "SKIPPED"]
    first = done["steps"][0]
    assert (first["reason_code"], first["comment"], first["decided_by"]) == (
        "WRONG_TERMS",
        "See mail of Monday.",
        "u_manager",
    )
    assert first["decided_at"] >= first["started_at"]
    refused(desk.decide(change, "u_manager", step=2), 409, "CHANGE_CLOSED")
    refused(desk.decide(change, "u_controller"), 409, "CHANGE_CLOSED")
    refused(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/withdraw"), 409, "CHANGE_CLOSED")
    refused(desk("u_clerk").get(f"/v1/customers/{change['customer_id']}"), 404, "CUSTOMER_NOT_FOUND")


def test_of_many_decisions_at_once_one_counts(desk: Desk):
    change = desk.submit()
    desk("u_manager"), desk("u_manager2")
    with ThreadPoolExecutor(8) as pool:
        people = ["u_manager", "u_manager2"] * 4
        answers = list(pool.map(lambda u: desk.decide(change, u, step=1), people))
    first = desk.change(change)["steps"][0]["decided_by"]
    assert [a.status_code for a in answers] == [200 if u == first else 409 for u in people]
    assert sum("Idempotent-Replayed" not in a.headers for a in answers if a.status_code == 200) == 1
    assert len(desk.change(change)["decisions"]) == 1


def test_the_inbox_shows_what_i_may_decide_now(own_desk: Desk):
    desk = own_desk
    change, mine = desk.submit(), desk.submit("u_manager")
    deletion = submit(desk, "delete")
    ids = {c["change_id"] for c in (change, mine, deletion)}
    assert set(desk.inbox("u_manager")) == ids - {mine["change_id"]}
    assert set(desk.inbox("u_manager2")) == ids
    assert set(desk.inbox("u_plain")) == {deletion["change_id"]}
    assert desk.inbox("u_controller") == desk.inbox("u_clerk") == []
    ok(desk.decide(change, "u_manager"))
    assert desk.inbox("u_controller") == [change["change_id"]]
    assert change["change_id"] not in desk.inbox("u_manager")
    page = ok(desk("u_manager2").get("/v1/customer-changes?awaiting=me&limit=1"))
    rest = ok(desk("u_manager2").get("/v1/customer-changes", params={"awaiting": "me", "cursor": page["next_cursor"]}))
    assert {c["id"] for c in page["items"] + rest["items"]} == ids - {change["change_id"]}
    pending = ok(desk("u_clerk").get("/v1/customer-changes?status=pending"))["items"]
    assert {c["id"] for c in pending} == ids


def test_a_returned_change_is_corrected_and_begins_again(desk: Desk):
    change = desk.submit(credit_limit=10)
    ok(desk.decide(change, "u_manager"))
    returned = ok(desk.decide(change, "u_controller", "return", reason_code="TYPO"))
    assert (returned["status"], returned["returned"]) == ("PENDING_APPROVAL", True)
    assert {s["status"] for s in returned["steps"]} == {"APPROVED", "WAITING"}
    refused(desk.decide(change, "u_controller2"), 409, "STEP_NOT_PENDING")
    url = f"/v1/customer-changes/{change['change_id']}/resubmit"
    refused(desk("u_ae").post(url), 403, "FORBIDDEN")
    corrected = desk.body(credit_limit=20)
    again = ok(desk("u_clerk").post(url, json={"customer": corrected}))
    assert (again["round"], [s["status"] for s in again["steps"]]) == (2, ["PENDING", "WAITING"])
    refused(desk("u_clerk").post(url), 409, "STEP_NOT_PENDING")
    assert desk.approve(change)["status"] == "APPROVED"
    assert desk.read(change["customer_id"])["credit_limit"] == "20"
    assert [(d["round"], d["decision"]) for d in desk.change(change)["decisions"]] == [
        (1, "approve"), (1, "return"), (2, "approve"), (2, "approve")
    ]  # fmt: skip


def test_only_the_submitter_withdraws(desk: Desk):
    change = desk.submit()
    url = f"/v1/customer-changes/{change['change_id']}/withdraw"
    refused(desk("u_ae").post(url), 403, "FORBIDDEN")
    assert ok(desk("u_clerk").post(url, json={"reason_code": "NOT_NEEDED"}))["status"] == "WITHDRAWN"
    refused(desk.decide(change, "u_manager"), 409, "CHANGE_CLOSED")
    refused(desk("u_clerk").post(url), 409, "CHANGE_CLOSED")


def delegate(desk: Desk, change: dict, by: str, to: str, step: int = 1, **more):
    url = f"/v1/customer-changes/{change['change_id']}/delegate"
    return desk(by).post(url, json={"step": step, "to_user_id": to} | more)


def test_a_step_is_delegated_to_someone_of_its_role_until_a_day(desk: Desk):
    change = desk.submit()
    desk.submit("u_ae")  # by this their roles are known
    today = datetime.now(UTC).date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    given = ok(delegate(desk, change, "u_manager", "u_manager2", until=tomorrow))["steps"][0]
    assert (given["delegated_to"], given["delegated_by"]) == ("u_manager2", "u_manager")
    assert given["delegated_until"][:10] == (today + timedelta(days=2)).isoformat()  # that day's end
    refused(delegate(desk, change, "u_manager", "u_ae"), 422, "DELEGATE_LACKS_ROLE")
    refused(delegate(desk, change, "u_controller", "u_manager2"), 403, "FORBIDDEN")
    late = field_codes(delegate(desk, change, "u_manager", "u_manager2", until="2020-01-01"))
    assert late == {"/until": "FIELD_RANGE"}
    done = ok(desk.decide(change, "u_manager2"))["steps"][0]
    assert (done["decided_by"], done["on_behalf_of"]) == ("u_manager2", "u_manager")
    refused(delegate(desk, change, "u_manager2", "u_manager"), 409, "STEP_NOT_PENDING")


def test_a_delegation_is_taken_back_by_giving_it_to_oneself(desk: Desk):
    change = desk.submit()
    ok(delegate(desk, change, "u_manager", "u_manager2"))
    assert ok(delegate(desk, change, "u_manager", "u_manager"))["steps"][0]["delegated_to"] is None
    assert ok(desk.decide(change, "u_manager2"))["steps"][0]["on_behalf_of"] is None


def test_segregation_holds_through_delegation(desk: Desk):
    change = desk.submit("u_all")
    refused(delegate(desk, change, "u_all", "u_manager"), 403, "SEGREGATION_OF_DUTIES")
    refused(delegate(desk, change, "u_manager", "u_all"), 403, "SEGREGATION_OF_DUTIES")  # he could never decide
    refused(desk.decide(change, "u_all"), 403, "SEGREGATION_OF_DUTIES")
    change = desk.submit()
    ok(delegate(desk, change, "u_controller", "u_all", step=2))
    ok(desk.decide(change, "u_all"))
    refused(delegate(desk, change, "u_controller", "u_all", step=2), 403, "SEGREGATION_OF_DUTIES")
    refused(desk.decide(change, "u_all"), 403, "SEGREGATION_OF_DUTIES")
    nobody = fresh("u_")
    change = desk.submit()
    ok(delegate(desk, change, "u_manager", nobody))  # never seen: whether the role is held shows when deciding
    url = f"/v1/customer-changes/{change['change_id']}/decisions"
    refused(desk(nobody, "controller").post(url, json={"decision": "approve"}), 403, "FORBIDDEN")


def test_a_delegation_ends(desk: Desk):
    change = desk.submit()
    for seconds in (1.5, 15, 60):  # a machine that stood still for longer finds that moment in the past
        soon = datetime.now(UTC) + timedelta(seconds=seconds)
        given = delegate(desk, change, "u_manager", "u_manager2", until=soon.isoformat())
        if given.status_code == 200:
            break
    ok(given)
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert ok(desk.decide(change, "u_manager2"))["steps"][0]["on_behalf_of"] is None


def test_what_is_delegated_to_someone_away_goes_to_the_stand_in(own_desk: Desk):
    desk = own_desk
    now = datetime.now(UTC)
    away = {
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=9)).isoformat(),
        "delegate_user_id": "u_manager3",
    }
    assert ok(desk("u_manager2").put("/v1/out-of-office", json=away))["absence"]["delegate_user_id"] == "u_manager3"
    third = desk("u_manager3", "ar_manager")
    assert ok(third.get("/v1/out-of-office"))["stands_in_for"][0]["user_id"] == "u_manager2"
    change = desk.submit()
    assert ok(delegate(desk, change, "u_manager", "u_manager2"))["steps"][0]["delegated_to"] == "u_manager3"
    assert "/ends_at" in field_codes(
        desk("u_manager2").put("/v1/out-of-office", json=away | {"ends_at": away["starts_at"]})
    )
    ok(desk("u_manager2").delete("/v1/out-of-office"))
    assert ok(delegate(desk, change, "u_manager", "u_manager2"))["steps"][0]["delegated_to"] == "u_manager2"


def test_a_stand_in_without_the_role_is_given_nothing(own_desk: Desk):
    desk, now = own_desk, datetime.now(UTC)
    ok(desk("u_stand_in", "ar_manager").post("/v1/customers", json=desk.body()), 202)  # a manager, for the time being
    away = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=9)).isoformat()}
    ok(desk("u_manager2").put("/v1/out-of-office", json=away | {"delegate_user_id": "u_stand_in"}))
    ok(desk("u_stand_in", "ar_clerk").post("/v1/customers", json=desk.body()), 202)
    change = desk.submit()
    said = refused(delegate(desk, change, "u_manager", "u_manager2"), 422, "DELEGATE_LACKS_ROLE")
    assert "u_stand_in" in said["detail"]
    assert desk.change(change)["steps"][0]["delegated_to"] is None


def test_who_loses_the_role_between_steps_does_not_decide(desk: Desk):
    change = desk.submit()
    token = ok(desk("u_gone", "ar_manager").get(f"/v1/customer-changes/{change['change_id']}/approval-token"))
    assert token["step"] == 1
    url = f"/v1/customer-changes/{change['change_id']}/decisions"
    refused(desk("u_gone", "ar_clerk").post(url, json={"decision": "approve"}), 403, "FORBIDDEN")


def test_a_policy_tightens_and_never_loosens(own_desk: Desk):
    desk = own_desk
    controller = desk("u_controller")
    assert [s["role"] for s in ok(controller.get("/v1/approval-policies"))["effective_steps"]["delete"]] == TABLE[
        "delete"
    ][0]
    for steps in (["controller"], ["controller", "ar_manager"], ["manager", "controller"]):
        policy = {"operations": {"create": {"steps": [{"role": r} for r in steps]}}}
        no = refused(controller.put("/v1/approval-policies", json=policy), 422, "POLICY_LOOSENED")
        assert [(e["loc"], e["code"], e["detail"]) for e in no["errors"]] == [
            ("/operations/create/steps", "POLICY_LOOSENED", "At least: ar_manager, controller.")
        ]
    refused(desk("u_manager").put("/v1/approval-policies", json={}), 403, "FORBIDDEN")
    four_eyes: list[Any] = [{"role": "ar_manager"}, {"role": "controller", "four_eyes": True}]
    rule: Any = {"credit_limit_above": "50000", "step": {"role": "cfo"}}
    tighter: Any = {"operations": {"create": {"steps": four_eyes}, "update": {"rules": [rule]}}}
    put = ok(controller.put("/v1/approval-policies", json=tighter))
    assert (put["version"], put["updated_by"]) == (1, "u_controller")
    change = desk.submit()
    assert [s["role"] for s in desk.change(change)["steps"]] == ["ar_manager", "controller", "controller"]
    ok(desk.decide(change, "u_manager"))
    ok(desk.decide(change, "u_controller"))
    refused(desk.decide(change, "u_controller"), 403, "SEGREGATION_OF_DUTIES")
    assert ok(desk.decide(change, "u_controller2"))["status"] == "APPROVED"
    customer = change["customer_id"]
    assert len(desk.change(desk.patch(customer, credit_limit=50000))["steps"]) == 2
    big = desk.change(desk.patch(customer, credit_limit="50000.01"))
    assert ([s["role"] for s in big["steps"]], big["lane"]) == (["ar_manager", "controller", "cfo"], "yellow")
    override = [{"legal_entity_id": "le_uk", "action": "add", "credit_limit": 60000}]
    assert len(desk.change(desk.patch(customer, entity_overrides=override))["steps"]) == 3


def test_a_policy_may_be_sent_back_as_it_was_read(own_desk: Desk):
    controller, url = own_desk("u_controller"), "/v1/approval-policies"
    for _ in range(2):
        read = ok(controller.get(url))
        put = ok(controller.put(url, json=read))
        assert put["version"] == read["version"] + 1
        assert put["operations"] == read["operations"]
    read = ok(controller.get(url))
    tightened = read | {"operations": {"update": {"rules": [{"credit_limit_above": "5", "step": {"role": "cfo"}}]}}}
    assert ok(controller.put(url, json=tightened))["version"] == 3
    refused(controller.put(url, json=tightened), 412, "VERSION_MISMATCH")  # read before the last word
    read = ok(controller.get(url))
    for field, other in (("updated_by", "u_cfo"), ("updated_at", None), ("effective_steps", {"create": []})):
        assert field_codes(controller.put(url, json=read | {field: other})) == {f"/{field}": "FIELD_READ_ONLY"}
    assert field_codes(controller.put(url, json=read | {"surprise": 1})) == {"/surprise": "FIELD_UNKNOWN"}


def test_the_audit_trail_tells_who_submitted_changed_and_decided(desk: Desk):
    change = desk.submit(notes="private words")
    ok(desk.decide(change, "u_manager", comment="fine"))
    ok(desk.decide(change, "u_controller"))
    url = "/v1/audit-events"
    response = desk("u_controller").get(url, params={"subject_id": change["change_id"]})
    events = ok(response)["items"]
    assert [e["action"] for e in events] == [
        "customer.change.submitted", "customer.change.decided", "customer.change.decided", "customer.change.executed"
    ]  # fmt: skip
    assert [e["actor"] for e in events[:3]] == ["u_clerk", "u_manager", "u_controller"]
    assert {e["workflow_id"] for e in events} == {change["workflow_id"]}


def test_who_clicks_twice_is_answered_as_before(desk: Desk):
    change = desk.submit()
    for user, steps in (("u_manager", [None, 1]), ("u_controller", [None, 2])):
        first = ok(desk.decide(change, user))
        for step in steps:
            again = desk.decide(change, user, **dict[str, Any]({} if step is None else {"step": step}))
            assert ok(again) == first
            assert again.headers["Idempotent-Replayed"] == "true"
    assert first["status"] == "APPROVED"
    later = desk.decide(change, "u_manager", step=1)  # the change as it is
    assert (ok(later), later.headers["Idempotent-Replayed"]) == (first, "true")


def test_a_repeated_return_or_rejection_is_answered_and_another_word_is_not(desk: Desk):
    change = desk.submit()
    said = {"reason_code": "TYPO", "comment": "see the name"}
    ok(desk.decide(change, "u_manager", "return", **said))
    again = desk.decide(change, "u_manager", "return", **said)
    assert (ok(again)["steps"][0]["status"], again.headers["Idempotent-Replayed"]) == ("WAITING", "true")
    refused(desk.decide(change, "u_manager"), 409, "STEP_NOT_PENDING")
    refused(desk.decide(change, "u_manager", "return", reason_code="OTHER"), 409, "STEP_NOT_PENDING")
    ok(desk("u_clerk").post(f"/v1/customer-changes/{change['change_id']}/resubmit", json={}))
    once = desk.decide(change, "u_manager", "reject", reason_code="TYPO")  # of the new round: it counts
    assert (ok(once)["status"], "Idempotent-Replayed" in once.headers) == ("REJECTED", False)
    again = desk.decide(change, "u_manager", "reject", reason_code="TYPO")
    assert (ok(again)["status"], again.headers["Idempotent-Replayed"]) == ("REJECTED", "true")
    refused(desk.decide(change, "u_manager"), 409, "CHANGE_CLOSED")
    refused(desk.decide(change, "u_controller", "reject", reason_code="TYPO"), 409, "CHANGE_CLOSED")


def test_who_holds_the_next_role_too_is_still_refused_by_segregation(desk: Desk):
    change = desk.submit()
    ok(desk.decide(change, "u_all"))
    refused(desk.decide(change, "u_all"), 403, "SEGREGATION_OF_DUTIES")
    refused(desk.decide(change, "u_all", step=2), 403, "SEGREGATION_OF_DUTIES")
    assert desk.decide(change, "u_all", step=1).headers["Idempotent-Replayed"] == "true"
