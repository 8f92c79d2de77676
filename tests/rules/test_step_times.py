"""The deadlines that an organisation sets for the steps of its approvals."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from models.approvals.plan import PlannedStep, steps_of_roles
from models.approvals.step_times import ROLES_OF_KIND, Deadlines, planned

DEADLINES = TypeAdapter(Deadlines)
HOUR = 3600


def test_steps_have_the_deadlines_of_their_kind_and_role_else_the_usual() -> None:
    own = DEADLINES.validate_python({
        "write_off": [{"role": "controller", "remind_after_seconds": HOUR, "fallback": "u_boss"}],
        "deduction": [{"role": "ar_manager", "escalate_after_seconds": HOUR}],
    })  # fmt: skip
    usual = dict(zip(("ar_manager", "controller"), steps_of_roles(("ar_manager", "controller")), strict=True))
    hour, two_days = timedelta(hours=1), timedelta(hours=48)
    assert planned(own, "write_off", ["ar_manager", "controller"]) == [
        usual["ar_manager"], PlannedStep("controller", hour, two_days, "u_boss"),
    ]  # fmt: skip
    assert planned(own, "deduction", ["controller", "ar_manager"]) == [
        usual["controller"], PlannedStep("ar_manager", hour / 2, hour, "controller"),
    ]  # fmt: skip
    assert planned(own, "credit_note", ["ar_manager"]) == [usual["ar_manager"]]
    assert planned({}, "refund", []) == []


def test_kinds_whose_steps_follow_from_limits_have_deadlines_and_no_others() -> None:
    assert {
        **dict.fromkeys(("credit_note", "write_off", "deduction"), ("ar_manager", "controller", "cfo")),
        "authority_limits": ("controller", "cfo"),
    } == ROLES_OF_KIND  # fmt: skip


@pytest.mark.parametrize(("given", "code", "detail"), [
    ({"refund": [], "x": []}, "FIELD_UNKNOWN", "No such kind: refund, x."),
    ({"k" * 60: [], "l" * 60: []}, "FIELD_UNKNOWN", f"No such kind: {'k' * 60}, {'l' * 38}."),
    ({"write_off": [{"role": "cfo"}, {"role": "controller"}, {"role": "controller"}]}, "FIELD_INVALID",
     "controller is named twice."),
    ({"write_off": [{"role": "cfo", "remind_after_seconds": 9, "escalate_after_seconds": 9}]}, "FIELD_RANGE",
     "The reminder comes before the escalation."),
])  # fmt: skip
def test_what_is_no_deadline_is_refused(given: dict[str, object], code: str, detail: str) -> None:
    with pytest.raises(ValidationError) as no:
        DEADLINES.validate_python(given)
    assert [(e["type"], e["msg"]) for e in no.value.errors()] == [(code, detail)]
    with pytest.raises(ValidationError):
        DEADLINES.validate_python("write_off")
