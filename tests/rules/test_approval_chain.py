"""The chain's rules: a decision table written from docs/sources.md, and properties that hold on every path."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.access import Principal
from models.approvals.chain import (
    Chain,
    ChangeStatus,
    Decision,
    Delegation,
    StepStatus,
    decide,
    delegate,
    executed,
    failed,
    open_chain,
    repeats,
    require_resubmittable,
    resubmit,
    withdraw,
)
from models.approvals.deadlines import escalated
from models.approvals.plan import PlannedStep
from models.customers.approval_policy import BASE, ApprovalPolicy, lane, loosened, plan
from models.errors import Refusal
from tests.rules.refusals import is_sentence
from tests.rules.refusals import refused as refusing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

# docs/sources.md, CUS-9, row by row: operation, who decides in which order, lane.
TABLE = {
    "create": (["ar_manager", "controller"], "yellow"),
    "update": (["ar_manager", "controller"], "yellow"),
    "reactivate": (["ar_manager", "controller"], "yellow"),
    "deactivate": (["manager", "controller"], "yellow"),
    "delete": (["manager", "controller", "cfo"], "red"),
    "import": (["manager"], "yellow"),
}
ROLES = ["ar_clerk", "manager", "ar_manager", "controller", "cfo", "account_executive", "ops", "auditor"]
# Which roles may decide a step of the key's role: docs/roles.md: ar_manager includes manager; otherwise exactly.
ENTITLED = {
    "ar_manager": {"ar_manager"},
    "manager": {"manager", "ar_manager"},
    "controller": {"controller"},
    "cfo": {"cfo"},
}


def person(user: str, *roles: str) -> Principal:
    return Principal(user, "org_x", frozenset(roles))


def chain_of(operation: str) -> Chain:
    return open_chain("u_clerk", plan(ApprovalPolicy(), operation), NOW)


def at_step(operation: str, number: int) -> Chain:
    chain = chain_of(operation)
    for n, role in enumerate(TABLE[operation][0][: number - 1], 1):
        chain = decide(chain, person(f"u_{n}", role), Decision.APPROVE, NOW)
    return chain


def refused(code: str, *args, **kw) -> Refusal:
    with pytest.raises(Refusal) as e:
        decide(*args, **kw)
    assert e.value.code == code
    assert is_sentence(e.value.detail)
    return e.value


@pytest.mark.parametrize("operation", TABLE)
def test_the_chain_of_each_operation_is_that_of_the_sources(operation):
    roles, colour = TABLE[operation]
    assert [s.role for s in plan(ApprovalPolicy(), operation)] == roles == list(BASE[operation])
    assert lane(operation) == colour


CASES = [(o, n, r) for o, (roles, _) in TABLE.items() for n, r in product(range(1, len(roles) + 1), ROLES)]


@pytest.mark.parametrize(("operation", "number", "role"), CASES)
def test_a_step_is_decided_by_its_role_and_no_other(operation, number, role):
    chain = at_step(operation, number)
    needed = TABLE[operation][0][number - 1]
    who = person("u_new", role)
    if role in ENTITLED[needed]:
        after = decide(chain, who, Decision.APPROVE, NOW, step=number)
        assert after.steps[number - 1].status is StepStatus.APPROVED
        assert after.complete == (number == len(TABLE[operation][0]))
    else:
        refused("FORBIDDEN", chain, who, Decision.APPROVE, NOW, step=number)


@pytest.mark.parametrize(("operation", "number", "role"), CASES)
def test_out_of_turn_is_refused_for_the_right_role_and_forbidden_for_others(operation, number, role):
    needed = TABLE[operation][0]
    for named in range(1, len(needed) + 1):
        if named == number:
            continue
        expected = "STEP_NOT_PENDING" if role in ENTITLED[needed[named - 1]] else "FORBIDDEN"
        refused(expected, at_step(operation, number), person("u_new", role), Decision.APPROVE, NOW, step=named)


@pytest.mark.parametrize(("operation", "number"), [(o, n) for o in TABLE for n in range(1, len(TABLE[o][0]) + 1)])
def test_the_submitter_and_earlier_deciders_decide_no_step(operation, number):
    chain = at_step(operation, number)
    everything = ["manager", "ar_manager", "controller", "cfo"]
    barred = ["u_clerk", *(f"u_{n}" for n in range(1, number))]
    for user in barred:
        refused("SEGREGATION_OF_DUTIES", chain, person(user, *everything), Decision.APPROVE, NOW)


@pytest.mark.parametrize(("operation", "number"), [(o, n) for o in TABLE for n in range(1, len(TABLE[o][0]) + 1)])
def test_a_rejection_closes_the_change_and_later_steps_never_come(operation, number):
    role = TABLE[operation][0][number - 1]
    chain = decide(at_step(operation, number), person("u_new", role), Decision.REJECT, NOW, reason="WRONG_DATA")
    assert chain.status is ChangeStatus.REJECTED
    assert [s.status.value for s in chain.steps] == (
        ["APPROVED"] * (number - 1) + ["REJECTED"] + ["SKIPPED"] * (len(chain.steps) - number)
    )
    for role in ["ar_manager", "ops"]:  # closed comes before the role of a step that can no longer come
        refused("CHANGE_CLOSED", chain, person("u_x", role), Decision.APPROVE, NOW, step=len(chain.steps))


@pytest.mark.parametrize("decision", [Decision.REJECT, Decision.RETURN])
def test_rejecting_and_returning_need_a_reason(decision):
    refused("REASON_REQUIRED", chain_of("create"), person("u_m", "ar_manager"), decision, NOW)


def test_a_second_decision_of_the_same_step_is_not_pending():
    chain = decide(chain_of("create"), person("u_m", "ar_manager"), Decision.APPROVE, NOW)
    refused("STEP_NOT_PENDING", chain, person("u_m", "ar_manager"), Decision.APPROVE, NOW, step=1)
    refused("STEP_NOT_PENDING", chain, person("u_m2", "ar_manager"), Decision.REJECT, NOW, step=1, reason="X")


def test_a_returned_change_waits_for_its_submitter_and_begins_again():
    chain = decide(at_step("create", 2), person("u_c", "controller"), Decision.RETURN, NOW, reason="TYPO")
    assert chain.pending is None
    assert chain.status is ChangeStatus.PENDING_APPROVAL
    refused("STEP_NOT_PENDING", chain, person("u_c", "controller"), Decision.APPROVE, NOW)
    with pytest.raises(Refusal, match="FORBIDDEN"):
        resubmit(chain, person("u_other", "ar_clerk"), plan(ApprovalPolicy(), "create"), NOW)
    again = resubmit(chain, person("u_clerk", "ar_clerk"), plan(ApprovalPolicy(), "create"), NOW)
    assert again.round == 2
    assert [s.status.value for s in again.steps] == ["PENDING", "WAITING"]
    again = decide(again, person("u_1", "ar_manager"), Decision.APPROVE, NOW)
    refused("SEGREGATION_OF_DUTIES", again, person("u_1", "ar_manager", "controller"), Decision.APPROVE, NOW)


def test_what_was_said_in_a_round_stays_with_it_and_the_next_one_begins_with_nothing():
    controller, clerk = person("u_c", "controller"), person("u_clerk", "ar_clerk")
    later = NOW + timedelta(hours=3)
    given = delegate(at_step("create", 2), controller, 2, "u_c2", None, NOW)
    back = decide(given, person("u_c2", "controller"), Decision.RETURN, later, step=2, reason="TYPO", comment="Street?")
    step = back.steps[1]
    assert (step.status, step.decided_by, step.decided_at) == (StepStatus.WAITING, "u_c2", later)
    assert (step.reason_code, step.comment, step.on_behalf_of, step.delegation) == ("TYPO", "Street?", "u_c", None)
    assert (back.returned, back.is_open, back.complete, back.deciders) == (True, True, False, ["u_1", "u_c", "u_c2"])
    with refusing("STEP_NOT_PENDING", step=None) as no:
        decide(back, person("u_x", "controller"), Decision.APPROVE, NOW)
    assert "waits for its submitter" in no[0].detail
    with refusing("STEP_NOT_PENDING", step=2):
        decide(back, person("u_x", "controller"), Decision.APPROVE, NOW, step=2)
    again = resubmit(back, clerk, plan(ApprovalPolicy(), "create"), later)
    assert again == open_chain("u_clerk", plan(ApprovalPolicy(), "create"), later, round_=2)
    gone = withdraw(back, clerk)
    assert (gone.status, gone.returned, gone.steps[1].comment) == (ChangeStatus.WITHDRAWN, False, "Street?")
    assert [s.status for s in gone.steps] == [StepStatus.APPROVED, StepStatus.SKIPPED]


def test_a_second_click_is_known_by_who_said_what_why_and_where():
    manager, both = person("u_m", "ar_manager"), person("u_m", "ar_manager", "controller")
    controller = person("u_c", "controller")
    one = decide(chain_of("create"), manager, Decision.APPROVE, NOW, reason="R")

    def again(chain, who, decision=Decision.APPROVE, step=None, reason="R"):
        return repeats(chain, who, decision, step=step, reason=reason)

    assert again(one, manager)
    assert again(one, manager, step=1)
    assert again(one, both, step=1)
    assert not again(one, both), "it is meant for the step that waits for the other role"
    assert not again(one, manager, step=2)
    assert not again(one, manager, reason=None)
    assert not again(one, manager, Decision.REJECT)
    assert not again(one, controller)
    for decision in (Decision.REJECT, Decision.RETURN):
        two = decide(one, controller, decision, NOW, reason="R")
        assert again(two, controller, decision)
        assert again(two, both), "nobody is waited for any more"
        assert not again(two, controller)
        assert not again(two, controller, Decision.RETURN if decision is Decision.REJECT else Decision.REJECT)
    assert again(withdraw(two, person("u_clerk")), controller, Decision.RETURN)


def test_who_closed_or_asked_is_told_what_it_is_now():
    clerk, other = person("u_clerk"), person("u_o")
    closed = withdraw(chain_of("create"), clerk)
    for act in (
        lambda: decide(closed, person("u_m", "ar_manager"), Decision.APPROVE, NOW),
        lambda: delegate(closed, person("u_m", "ar_manager"), 1, "u_x", None, NOW),
        lambda: withdraw(closed, clerk),
        lambda: require_resubmittable(closed, clerk),
    ):
        with refusing("CHANGE_CLOSED", status_now="WITHDRAWN"):
            act()
    for act in (lambda: withdraw(chain_of("create"), other), lambda: require_resubmittable(chain_of("create"), other)):
        with refusing("FORBIDDEN"):
            act()
    with refusing("FORBIDDEN", step=2, role="controller"):
        decide(chain_of("create"), person("u_m", "ar_manager"), Decision.APPROVE, NOW, step=2)
    with refusing("SEGREGATION_OF_DUTIES", step=1):
        decide(chain_of("create"), person("u_clerk", "ar_manager"), Decision.APPROVE, NOW)
    with refusing("SEGREGATION_OF_DUTIES", step=2):
        decide(at_step("create", 2), person("u_1", "controller"), Decision.APPROVE, NOW)
    with refusing("STEP_NOT_PENDING", step=9) as no:
        decide(chain_of("create"), person("u_m", "ar_manager"), Decision.APPROVE, NOW, step=9)
    assert no[0].detail == "No such step is pending."


def test_delegation_names_the_delegate_and_ends():
    until = NOW + timedelta(days=1)
    chain = delegate(chain_of("create"), person("u_m", "ar_manager"), 1, "u_m2", until, NOW)
    decided = decide(chain, person("u_m2", "ar_manager"), Decision.APPROVE, NOW)
    assert decided.steps[0].on_behalf_of == "u_m"
    last = decide(chain, person("u_m2", "ar_manager"), Decision.APPROVE, until - timedelta(microseconds=1))
    assert last.steps[0].on_behalf_of == "u_m"
    late = decide(chain, person("u_m2", "ar_manager"), Decision.APPROVE, until)
    assert late.steps[0].on_behalf_of is None, "at the very moment of its end it has ended"
    other = decide(chain, person("u_m3", "ar_manager"), Decision.APPROVE, NOW)
    assert other.steps[0].on_behalf_of is None, "others of the role decide by themselves"
    refused("FORBIDDEN", chain, person("u_m2", "ar_clerk"), Decision.APPROVE, NOW)  # the delegate must hold the role


def test_the_submitter_and_earlier_deciders_cannot_act_through_a_delegate():
    chain = chain_of("create")
    with pytest.raises(Refusal, match="SEGREGATION_OF_DUTIES"):
        delegate(chain, person("u_clerk", "ar_manager"), 1, "u_x", None, NOW)
    both = person("u_both", "ar_manager", "controller")
    chain = delegate(chain, both, 2, "u_c", None, NOW)
    chain = decide(chain, both, Decision.APPROVE, NOW)
    assert chain.steps[1].delegation is None
    given = delegate(chain_of("create"), person("u_c1", "controller"), 2, "u_c", None, NOW)
    given = delegate(given, person("u_m", "ar_manager"), 1, "u_m2", None, NOW)
    after = decide(given, person("u_m3", "ar_manager"), Decision.APPROVE, NOW)
    assert [s.delegation for s in after.steps] == [s.delegation for s in given.steps], "what others gave away stays"
    after = decide(after, person("u_m", "controller"), Decision.APPROVE, NOW)
    assert after.steps[0].delegation == given.steps[0].delegation, "a decided step keeps what was said of it"
    with pytest.raises(Refusal, match="SEGREGATION_OF_DUTIES"):
        delegate(chain_of("create"), person("u_m", "ar_manager"), 1, "u_clerk", None, NOW)
    with pytest.raises(Refusal, match="SEGREGATION_OF_DUTIES"):
        delegate(at_step("create", 2), person("u_c", "controller"), 2, "u_1", None, NOW)
    acted = decide(
        delegate(chain_of("create"), both, 1, "u_m2", None, NOW), person("u_m2", "ar_manager"), Decision.APPROVE, NOW
    )
    refused("SEGREGATION_OF_DUTIES", acted, both, Decision.APPROVE, NOW)  # u_m2 decided step 1 for u_both


def test_who_may_not_give_a_step_away_is_told_why():
    chain, manager, controller = chain_of("create"), person("u_m", "ar_manager"), person("u_c", "controller")
    with refusing("FORBIDDEN", step=2, role="controller"):
        delegate(chain, manager, 2, "u_x", None, NOW)
    done = decide(chain, manager, Decision.APPROVE, NOW)
    with refusing("STEP_NOT_PENDING", step=1):
        delegate(done, manager, 1, "u_x", None, NOW)
    with refusing("VALIDATION_FAILED", "/until", "FIELD_RANGE"):
        delegate(chain, manager, 1, "u_x", NOW, NOW)
    assert delegate(chain, manager, 1, "u_x", NOW + timedelta(seconds=1), NOW).steps[0].delegation is not None
    back = delegate(delegate(chain, manager, 1, "u_x", None, NOW), manager, 1, "u_m", None, NOW)
    assert back.steps[0].delegation is None
    with refusing("STEP_NOT_PENDING", step=9):
        delegate(chain, controller, 9, "u_x", None, NOW)


def test_an_overdue_step_escalates_once_and_its_fallback_may_only_hand_it_on():
    chain = chain_of("create")
    over = escalated(chain, 1, NOW + timedelta(days=3))
    assert over is not None
    assert escalated(over, 1, NOW) is None
    refused("FORBIDDEN", over, person("u_c", "controller"), Decision.APPROVE, NOW)
    handed = delegate(over, person("u_c", "controller"), 1, "u_m9", None, NOW)
    given = handed.steps[0].delegation
    assert given is not None
    assert given.to == "u_m9"
    with pytest.raises(Refusal, match="FORBIDDEN"):
        delegate(chain, person("u_c", "controller"), 1, "u_m9", None, NOW)
    named = open_chain("u_clerk", [PlannedStep("ar_manager", fallback="u_boss")], NOW)
    late = escalated(named, 1, NOW)
    assert late is not None
    assert delegate(late, person("u_boss"), 1, "u_m9", None, NOW).steps[0].delegation == Delegation("u_m9", "u_boss")
    for who, when in ((person("u_x"), late), (person("u_boss"), named)):
        with refusing("FORBIDDEN", step=1, role="ar_manager"):
            delegate(when, who, 1, "u_m9", None, NOW)


def test_a_late_decision_wins_over_the_timer():
    chain = decide(chain_of("create"), person("u_m", "ar_manager"), Decision.APPROVE, NOW)
    assert escalated(chain, 1, NOW + timedelta(days=9)) is None


def test_only_the_submitter_withdraws_and_only_once():
    with pytest.raises(Refusal, match="FORBIDDEN"):
        withdraw(chain_of("create"), person("u_m", "ar_manager"))
    chain = withdraw(chain_of("create"), person("u_clerk", "ar_clerk"))
    assert {s.status for s in chain.steps} == {StepStatus.SKIPPED}
    with pytest.raises(Refusal, match="CHANGE_CLOSED"):
        withdraw(chain, person("u_clerk", "ar_clerk"))


def test_nothing_is_withdrawn_after_the_last_approval_unless_it_failed():
    clerk = person("u_clerk", "ar_clerk")
    chain = decide(chain_of("create"), person("u_m", "ar_manager"), Decision.APPROVE, NOW)
    chain = decide(chain, person("u_c", "controller"), Decision.APPROVE, NOW)
    assert chain.status is ChangeStatus.PENDING_APPROVAL  # until it has been carried out
    with refusing("CHANGE_CLOSED") as no:
        withdraw(chain, clerk)
    assert "is being carried out" in no[0].detail
    assert withdraw(failed(chain), clerk).status is ChangeStatus.WITHDRAWN


def policy(**operations) -> ApprovalPolicy:
    return ApprovalPolicy.model_validate({"operations": operations})


def test_a_policy_may_add_steps_and_never_leave_one_out():
    def steps(*roles):
        return {"steps": [{"role": r} for r in roles]}

    assert loosened(policy(create=steps("controller"))) == ["create"]
    assert loosened(policy(create=steps("controller", "ar_manager"))) == ["create"]
    assert loosened(policy(create=steps("manager", "controller"))) == ["create"]
    assert loosened(policy(delete=steps("manager", "controller"))) == ["delete"]
    assert (
        loosened(policy(create=steps("ar_manager", "cfo", "controller"), deactivate=steps("ar_manager", "controller")))
        == []
    )
    four = policy(update={"steps": [{"role": "ar_manager"}, {"role": "controller", "four_eyes": True}]})
    assert [s.role for s in plan(four, "update")] == ["ar_manager", "controller", "controller"]


def test_a_large_credit_limit_adds_its_step():
    big = policy(update={"rules": [{"credit_limit_above": "100000", "step": {"role": "cfo"}}]})
    assert [s.role for s in plan(big, "update", [Decimal(100000)])] == ["ar_manager", "controller"]
    steps = plan(big, "update", [Decimal(1), Decimal("100000.01")])
    assert [s.role for s in steps] == ["ar_manager", "controller", "cfo"]


PEOPLE = ["u_clerk", "u_a", "u_b", "u_c", "u_d"]
ROLE_SETS = st.sets(st.sampled_from(["ar_manager", "manager", "controller", "cfo", "ar_clerk"]))


@settings(max_examples=300)
@given(
    operation=st.sampled_from(sorted(TABLE)),
    moves=st.lists(
        st.tuples(
            st.sampled_from(["decide", "delegate", "withdraw", "resubmit", "escalate"]),
            st.sampled_from(PEOPLE),
            ROLE_SETS,
            st.sampled_from(list(Decision)),
            st.one_of(st.none(), st.integers(1, 3)),
            st.sampled_from(PEOPLE),
        ),
        max_size=25,
    ),
)
def test_no_path_reaches_approval_without_each_step_decided_by_a_distinct_entitled_person(operation, moves):
    chain, entitled = chain_of(operation), {}
    for n, (move, user, roles, decision, step, other) in enumerate(moves):
        now = NOW + timedelta(hours=n)
        who = person(user, *roles)
        try:
            if move == "decide":
                before = chain
                chain = decide(chain, who, decision, now, step=step, reason="R")
                if decision is Decision.APPROVE:
                    of = before.pending
                    assert of is not None
                    entitled[(chain.round, of.number)] = (user, bool(roles & ENTITLED[of.role]))
            elif move == "delegate":
                chain = delegate(chain, who, step or 1, other, None, now)
            elif move == "withdraw":
                chain = withdraw(chain, who)
            elif move == "resubmit":
                chain = resubmit(chain, who, plan(ApprovalPolicy(), operation), now)
            else:
                chain = escalated(chain, step or 1, now) or chain
        except Refusal:
            continue
        assert sum(s.status is StepStatus.PENDING for s in chain.steps) <= 1
        if chain.status is ChangeStatus.PENDING_APPROVAL and chain.complete:
            chain = executed(chain)
    if chain.status is ChangeStatus.APPROVED:
        deciders = [s.decided_by for s in chain.steps]
        behalf = [s.on_behalf_of for s in chain.steps if s.on_behalf_of]
        assert len(set(deciders)) == len(deciders)
        assert "u_clerk" not in deciders + behalf
        assert all(entitled[(chain.round, s.number)] == (s.decided_by, True) for s in chain.steps)


def test_a_chain_that_is_not_complete_is_not_executed():
    with pytest.raises(AssertionError):
        executed(chain_of("create"))
