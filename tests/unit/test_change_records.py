"""What follows from a change's chain: whom it waits for, whether it is approved, open or ended; and what is answered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.access import Principal
from models.approvals.chain import (
    Chain,
    ChangeStatus,
    Decision,
    decide,
    executed,
    failed,
    open_chain,
    withdraw,
)
from models.approvals.deadlines import reminded
from models.customers.approval_policy import ApprovalPolicy, plan
from models.customers.change_answers import change_answer, submitted_answer
from models.customers.change_records import Change
from models.customers.diff import Difference
from operations.approvals.state import state_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def person(user: str, role: str) -> Principal:
    return Principal(user, "org_x", frozenset({role}))


def change(chain: Chain | None = None) -> Change:
    return Change(
        id="chg_1",
        operation="create",
        customer_id="cust_1",
        legal_entity_id="le_us",
        entities=["le_us"],
        external_id=None,
        mode=None,
        force=False,
        reason_code=None,
        submitted_at=NOW,
        command_id="cmd_1",
        workflow_id="chg_1/CustomerChange",
        body_hash="",
        base_version=None,
        request={},
        diff=[Difference(path="/name", before=None, after="A")],
        warnings=[],
        chain=chain or open_chain("u_clerk", plan(ApprovalPolicy(), "create"), NOW),
    )


def approved() -> Chain:
    chain = change().chain
    for user, role in (("u_m", "ar_manager"), ("u_c", "controller")):
        chain = decide(chain, person(user, role), Decision.APPROVE, NOW, comment=f"by {user}")
    return chain


def test_an_open_change_waits_for_its_pending_step():
    found = change()
    assert found.awaiting is not None
    assert (found.awaiting.role, found.is_approved, found.is_ended, found.lane) == (
        "ar_manager",
        False,
        False,
        "yellow",
    )
    shown = change_answer(found)
    assert (shown.awaiting_step, shown.awaiting_role, shown.due_at) == (1, "ar_manager", NOW + timedelta(days=2))


@pytest.mark.parametrize(
    ("chain", "approved_", "ended"),
    [
        (approved(), True, False),
        (executed(approved()), False, True),
        (failed(approved()), False, False),
        (withdraw(change().chain, person("u_clerk", "ar_clerk")), False, True),
        (decide(change().chain, person("u_m", "ar_manager"), Decision.REJECT, NOW, reason="NO"), False, True),
        (decide(change().chain, person("u_m", "ar_manager"), Decision.RETURN, NOW, reason="NO"), False, False),
        (Chain("u_clerk", (), ChangeStatus.SUBMITTED), False, False),
    ],
    ids=["approved", "executed", "failed", "withdrawn", "rejected", "returned", "submitted"],
)
def test_whether_it_is_approved_or_ended_follows_from_its_chain(chain: Chain, approved_: bool, ended: bool):
    found = change(chain)
    assert (found.is_approved, found.is_ended, found.awaiting if not chain.returned else None) == (
        approved_,
        ended,
        None,
    )


def test_a_step_keeps_what_its_decider_said():
    assert [s.comment for s in change_answer(change(approved())).steps] == ["by u_m", "by u_c"]


def test_an_erased_change_says_so():
    shown = change_answer(replace(change(), diff=None))
    assert (shown.diff, shown.erased) == ([], True)


def test_a_failed_change_says_why_and_is_closed_for_the_time_being():
    found = change().failed(failed(approved()), NOW, "RECORD_MOVED", "It has moved.")
    shown = change_answer(found)
    assert shown.failure is not None
    assert (shown.status, shown.failure.code, shown.failure.detail) == ("FAILED", "RECORD_MOVED", "It has moved.")
    assert shown.closed_at == NOW
    assert found.moved_to(change().chain, NOW).closed_at is None, "what is open again is not closed"


def test_a_submission_is_answered_in_one_shape_before_and_after_it_was_looked_at():
    at_once = submitted_answer("chg_1", "chg_1/CustomerChange", "cust_1")
    later = submitted_answer("chg_1", "chg_1/CustomerChange", "cust_1", status=ChangeStatus.PENDING_APPROVAL)
    assert (at_once.status, later.status) == ("SUBMITTED", "PENDING_APPROVAL")
    assert replace(at_once, status=later.status) == later


def test_the_process_is_told_its_deadlines_from_now():
    started = change()
    assert (state_of(started, NOW).remind_in, state_of(started, NOW).escalate_in) == (86_400.0, 172_800.0)
    chain = reminded(started.chain, 1, NOW)
    assert chain is not None
    told = state_of(change(chain), NOW + timedelta(days=3))
    assert (told.remind_in, told.escalate_in, told.step, told.role) == (None, 0.0, 1, "ar_manager")
    assert reminded(chain, 1, NOW) is None
    assert reminded(chain, 2, NOW) is None


def test_tokens_cover_a_change_when_they_cover_all_that_it_concerns():
    both = replace(change(), entities=["le_us", "le_uk"])
    assert both.is_covered_by(None)
    assert both.is_covered_by(frozenset({"le_us", "le_uk", "le_x"}))
    assert not both.is_covered_by(frozenset({"le_us"}))
