"""The review of an import: whom a policy adds, and what becomes of one that nobody decides."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.customers.desk import Desk, ok
from tests.imports.support import code, counts, decide, mark, reviewed, see, table, until
from tests.stack_fixtures.app import AppStack


@pytest.fixture
def desk(app_stack: AppStack) -> Iterator[Desk]:
    made = Desk(app_stack, app_stack.organisation("Review"))
    yield made
    made.close()


def test_a_policy_adds_the_controller_where_an_import_may_update(desk: Desk) -> None:
    ok(desk("u_controller").put("/v1/approval-policies", json={"import_update_controller": True}))
    word, clerk = mark(), desk("u_clerk")
    desk.customer(email=f"{word}@example.com", name=f"{word} Known", credit_limit="10")
    content = table([(word, f"{word}@example.com", "500000")], "name,email,credit_limit")
    plain = reviewed(clerk, content)
    assert [s["role"] for s in plain["steps"]] == ["system", "manager"]
    review = reviewed(clerk, content, on_duplicate="update")
    assert [(s["role"], s["status"]) for s in review["steps"]] == [
        ("system", "APPROVED"), ("manager", "PENDING"), ("controller", "WAITING"),
    ]  # fmt: skip
    (change,) = review["summary"]["changes"]["first"]
    assert change["credit_limit"] == {"before": "10", "after": "500000"}
    assert code(decide(desk("u_controller"), review["id"])) == (403, "FORBIDDEN"), "not before the manager"
    assert ok(decide(desk("u_manager"), review["id"]))["status"] == "AWAITING_REVIEW"
    assert decide(desk("u_manager"), review["id"]).headers["Idempotent-Replayed"] == "true"
    assert code(decide(desk("u_manager"), review["id"], "reject", reason_code="LATE")) == (403, "FORBIDDEN")
    both = desk("u_manager", "ar_manager", "controller")
    assert code(decide(both, review["id"])) == (403, "SEGREGATION_OF_DUTIES")
    assert see(clerk, review["id"])["updated"] == 0
    ok(decide(desk("u_controller"), review["id"], comment="limits checked"))
    done = until(clerk, review["id"])
    assert (done["status"], counts(done)) == ("COMPLETED", {"updated": 1})
    assert [s["decided_by"] for s in done["steps"]] == [None, "u_manager", "u_controller"]


def test_a_review_that_nobody_decides_is_somebodys_exception_and_can_still_be_decided(desk: Desk) -> None:
    step = {"role": "manager", "remind_after_seconds": 1, "escalate_after_seconds": 2, "fallback": "cfo"}
    ok(desk("u_controller").put("/v1/approval-policies", json={"operations": {"import": {"steps": [step]}}}))
    word, clerk = mark(), desk("u_clerk")
    review = reviewed(clerk, table([(word, f"{word}@example.com")]))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = ok(desk("u_cfo").get("/v1/exceptions", params={"status": "open"}))["items"]
        if mine := [e for e in found if e["subject_id"] == review["id"]]:
            break
        time.sleep(0.1)
    (overdue,) = mine
    assert (overdue["kind"], overdue["reason_code"], overdue["owner_role"]) == (
        "import_overdue",
        "REVIEW_OVERDUE",
        "cfo",
    )
    ok(decide(desk("u_manager"), review["id"]))
    assert until(clerk, review["id"])["status"] == "COMPLETED"


def test_the_reviewer_sees_which_rows_a_code_was_said_of_and_what_credit_would_be_given(desk: Desk) -> None:
    word, clerk = mark(), desk("u_clerk")
    limits = [("100", "USD"), ("2000000", "USD"), ("", ""), ("50.5", "EUR"), ("-1", "USD"), ("7", "")]
    rows = [(f"{word} {n}", f"{word}.{n}@example.com", *limit) for n, limit in enumerate(limits)]
    rows += [("", "nonsense", "", ""), (f"{word} 0", f"{word}.0@example.com", "9", "USD")]
    review = reviewed(clerk, table(rows, "name,email,credit_limit,currency_code"))
    assert review["summary"]["credit_limits"] == [
        {"currency_code": "USD", "rows": 2, "total": "2000100", "largest": "2000000", "largest_row": 2},
        {"currency_code": "EUR", "rows": 1, "total": "50.5", "largest": "50.5", "largest_row": 4},
        {"currency_code": "", "rows": 1, "total": "7", "largest": "7", "largest_row": 6},
    ]

    def said(code: str, **more: Any) -> list[int]:
        found = ok(clerk.get(f"/v1/customer-imports/{review['id']}/rows", params={"code": code, **more}))
        return [i["row"] for i in found["items"]]

    for code_, where in review["summary"]["sample_rows"].items():
        assert said(code_) == where, code_
    assert said("CREDIT_LIMIT_NEGATIVE") == [5]
    assert said("DUPLICATE_IN_FILE", outcome="valid") == [8]
    assert code(clerk.get(f"/v1/customer-imports/{review['id']}/rows", params={"code": "x'; --"})) == (
        422,
        "VALIDATION_FAILED",
    )
