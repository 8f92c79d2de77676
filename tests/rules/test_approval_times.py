"""When an approver is reminded, when the step goes on to somebody else, and how a chain ends."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from models.access import Principal
from models.approvals.chain import (
    ChangeStatus,
    Decision,
    Delegation,
    StepStatus,
    decide,
    executed,
    failed,
    open_chain,
    resubmit,
)
from models.approvals.plan import PlannedStep
from models.customers.approval_policy import ApprovalPolicy, PutApprovalPolicy, StepPolicy, plan
from tests.rules.refusals import refused

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def policy_step(**fields: object) -> PlannedStep:
    (step,) = StepPolicy.model_validate({"role": "controller"} | fields).planned()
    return step


@pytest.mark.parametrize(
    ("given", "remind", "escalate"),
    [
        ({}, 24 * HOUR, 48 * HOUR),
        ({"remind_after_seconds": 60}, timedelta(minutes=1), 48 * HOUR),
        ({"escalate_after_seconds": 7200}, HOUR, 2 * HOUR),
        ({"escalate_after_seconds": 400 * 3600}, 24 * HOUR, 400 * HOUR),
        ({"remind_after_seconds": 1, "escalate_after_seconds": 2}, timedelta(seconds=1), timedelta(seconds=2)),
    ],
)
def test_a_step_reminds_at_the_latest_half_way_and_then_escalates(given, remind, escalate):
    step = policy_step(**given)
    assert (step.role, step.remind_after, step.escalate_after) == ("controller", remind, escalate)


@pytest.mark.parametrize("times", [(2, 2), (3, 2), (172_800, None)])
def test_the_reminder_comes_before_the_escalation(times):
    remind, escalate = times
    with pytest.raises(ValidationError) as e:
        policy_step(remind_after_seconds=remind, escalate_after_seconds=escalate)
    assert [x["type"] for x in e.value.errors()] == ["FIELD_RANGE"]


@pytest.mark.parametrize(
    ("role", "fallback"),
    [("manager", "controller"), ("ar_manager", "controller"), ("controller", "cfo"), ("cfo", "controller")],
)
def test_an_overdue_step_goes_to_the_next_desk_up_or_to_who_is_named(role, fallback):
    assert policy_step(role=role).fallback == fallback
    assert policy_step(role=role, fallback="u_boss").fallback == "u_boss"


def test_four_eyes_are_two_steps_alike():
    first, second = StepPolicy.model_validate({"role": "cfo", "four_eyes": True, "fallback": "u_boss"}).planned()
    assert first == second


def test_the_shipped_chain_has_the_shipped_times():
    assert plan(ApprovalPolicy(), "create") == [
        PlannedStep("ar_manager", 24 * HOUR, 48 * HOUR, "controller"), PlannedStep("controller", 24 * HOUR, 48 * HOUR, "cfo"),
    ]  # fmt: skip


def test_a_policy_may_be_sent_back_as_it_was_read():
    sent = {"force_delete": True, "version": 7, "updated_by": "u_cfo"}
    asked = PutApprovalPolicy.model_validate(sent)
    assert asked.policy() == ApprovalPolicy(force_delete=True)
    assert asked.policy().dump() == {"force_delete": True}, "what the system adds is no part of the policy"
    assert asked.model_fields_set == sent.keys()
    assert (asked.version, asked.updated_by) == (7, "u_cfo")


def test_an_operation_that_is_none_is_named():
    with pytest.raises(ValidationError) as e:
        ApprovalPolicy.model_validate({"operations": {"paint": {}, "create": {}, "sell": {}}})
    (error,) = e.value.errors()
    assert (error["type"], error["msg"]) == ("FIELD_UNKNOWN", "No such operation: paint, sell.")


def test_a_step_that_begins_has_its_times_and_the_next_begins_with_the_decision():
    chain = open_chain("u_clerk", plan(ApprovalPolicy(), "create"), NOW)
    first, second = chain.steps
    assert (first.status, first.started_at, first.remind_at, first.due_at) == (
        StepStatus.PENDING, NOW, NOW + 24 * HOUR, NOW + 48 * HOUR,
    )  # fmt: skip
    assert (first.number, second.number, second.status, second.due_at) == (1, 2, StepStatus.WAITING, None)
    after = decide(chain, manager(), Decision.APPROVE, NOW + HOUR)
    assert (after.steps[0].decided_by, after.steps[0].decided_at) == ("u_m", NOW + HOUR)
    assert (after.steps[1].status, after.steps[1].started_at) == (StepStatus.PENDING, NOW + HOUR)


def manager() -> Principal:
    return Principal("u_m", "org", frozenset({"ar_manager"}))


def approved():
    chain = open_chain("u_clerk", plan(ApprovalPolicy(), "create"), NOW)
    chain = decide(chain, manager(), Decision.APPROVE, NOW)
    assert (chain.complete, chain.deciders) == (False, ["u_m"])
    return decide(chain, Principal("u_c", "org", frozenset({"controller"})), Decision.APPROVE, NOW)


def test_a_complete_chain_is_carried_out_or_fails_once():
    chain = approved()
    assert (chain.complete, chain.status) == (True, ChangeStatus.PENDING_APPROVAL)
    done, lost = executed(chain), failed(chain)
    assert (done.status, lost.status) == (ChangeStatus.APPROVED, ChangeStatus.FAILED)
    assert done.steps == lost.steps == chain.steps
    for ended in (done, lost):
        for end in (executed, failed):
            with pytest.raises(AssertionError, match=r"^only a completely approved change "):
                end(ended)
    for end in (executed, failed):
        with pytest.raises(AssertionError, match=r"^only a completely approved change "):
            end(open_chain("u_clerk", plan(ApprovalPolicy(), "create"), NOW))


def test_what_failed_is_submitted_again_by_its_submitter_and_what_is_decided_is_not():
    clerk, steps = Principal("u_clerk", "org", frozenset()), plan(ApprovalPolicy(), "create")
    again = resubmit(failed(approved()), clerk, steps, NOW + HOUR)
    assert (again.round, again.status, again.deciders) == (2, ChangeStatus.PENDING_APPROVAL, [])
    assert again.steps[0].started_at == NOW + HOUR
    with refused("FORBIDDEN"):
        resubmit(failed(approved()), manager(), steps, NOW)
    with refused("CHANGE_CLOSED"):
        resubmit(executed(approved()), clerk, steps, NOW)
    with refused("STEP_NOT_PENDING"):
        resubmit(open_chain("u_clerk", steps, NOW), clerk, steps, NOW)


def test_a_delegation_holds_until_its_end():
    assert Delegation("u_a", "u_b").active(NOW)
    assert Delegation("u_a", "u_b", NOW + HOUR).active(NOW)
    assert not Delegation("u_a", "u_b", NOW).active(NOW)
