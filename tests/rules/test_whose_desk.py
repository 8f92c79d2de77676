"""Whose an exception is, who may settle it, and which approvals a person may see."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from models.access import Principal
from models.approvals.chain import ChangeStatus
from models.approvals.kinds import KINDS
from models.authority import Limit
from models.authority_requests import PutAuthorityLimit
from models.exceptions.records import ExceptionRecord, ExceptionStatus
from models.exceptions.requests import AssignException, ResolveException
from models.inbox.wanted import Wanted, kinds_seen

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DESKS = ExceptionRecord(
    id="exc_1", kind="k", reason_code="R", subject_id="pay_1", owner_role="manager", owner_user=None, legal_entity_id=None,
    detail={}, status=ExceptionStatus.OPEN, created_at=NOW, due_at=NOW, resolved_at=None, resolved_by=None,
    resolution_code=None, note=None,
)  # fmt: skip
PERSONS = replace(DESKS, owner_role=None, owner_user="u_me")


def test_an_exception_is_overdue_after_its_time_while_it_is_open() -> None:
    late = NOW + timedelta(microseconds=1)
    assert [DESKS.is_overdue(at) for at in (NOW, late)] == [False, True]
    assert not replace(DESKS, status=ExceptionStatus.RESOLVED).is_overdue(late)


@pytest.mark.parametrize(("record", "user", "roles", "own", "writes"), [
    (DESKS, "u_me", ["manager"], True, True), (DESKS, "u_me", ["ar_manager"], True, True),
    (DESKS, "u_me", ["ar_clerk"], False, False), (DESKS, "u_me", ["controller"], False, True),
    (PERSONS, "u_me", [], True, True), (PERSONS, "u_x", ["ar_clerk"], False, False), (PERSONS, "u_x", ["ops"], False, True),
])  # fmt: skip
def test_ones_own_lie_on_ones_desk_and_some_may_settle_all(
    record: ExceptionRecord, user: str, roles: list[str], own: bool, writes: bool
) -> None:
    assert (record.is_own(user, roles), record.may_write(user, roles)) == (own, writes)


@pytest.mark.parametrize(("given", "code"), [
    ({}, "OWNER_REQUIRED"), ({"owner_role": "ops", "owner_user": "u"}, "OWNER_REQUIRED"), ({"owner_role": "x"}, "ROLE_UNKNOWN"),
    ({"owner_role": "ops"}, None), ({"owner_user": "x"}, None),
])  # fmt: skip
def test_an_exception_is_given_to_a_role_or_to_a_person(given: dict[str, str], code: str | None) -> None:
    if code is None:
        assert AssignException.model_validate(given).model_dump(exclude_none=True) == given
        return
    with pytest.raises(ValidationError) as no:
        AssignException.model_validate(given)
    said = "There is no such role" if code == "ROLE_UNKNOWN" else "Give owner_role or owner_user, one of them"
    assert [(e["type"], e["msg"]) for e in no.value.errors()] == [(code, said)]


def test_a_resolution_has_one_code_under_either_name() -> None:
    for given in ({"resolution_code": "A"}, {"reason_code": "A"}, {"resolution_code": "A", "reason_code": "A"}):
        assert ResolveException.model_validate(given).code == "A"
    for wrong in ({}, {"resolution_code": "A", "reason_code": "B"}):
        with pytest.raises(ValidationError) as no:
            ResolveException.model_validate(wrong)
        assert [(e["type"], e["msg"]) for e in no.value.errors()] == [("FIELD_REQUIRED", "Give one resolution_code")]


def wanted(statuses: frozenset[ChangeStatus], *, submitted: bool = False) -> Wanted:
    who = Principal("u_me", "org", frozenset({"ar_manager"}))
    return Wanted(who, ["import"], statuses, awaiting=False, submitted=submitted, after=None, limit=1)


def test_approvals_are_seen_by_whoever_sees_what_they_are_about() -> None:
    seen = {role: kinds_seen(Principal("u", "org", frozenset({role}))) for role in ("cfo", "manager", "bank_feed")}
    assert seen["cfo"] == set(KINDS) - {"import"}
    assert seen["manager"] == {"customer_change", "import"}
    assert seen["bank_feed"] == {kind for kind, about in KINDS.items() if about.seen_with == "payments.read"}
    pending, failed = frozenset({ChangeStatus.PENDING_APPROVAL}), frozenset({ChangeStatus.FAILED})
    assert (wanted(pending).roles, wanted(failed).roles) == (["ar_manager", "manager"], [])
    assert (wanted(pending).submitted_by, wanted(pending, submitted=True).submitted_by) == (None, "u_me")


@pytest.mark.parametrize(("given", "found"), [
    ({"limit_minor": 5}, Limit(5, Decimal(2))), ({"limit_minor": None}, Limit(None, Decimal(2))),
    ({"limit_minor": 5, "percent": None}, Limit(5)), ({"limit_minor": 0, "percent": "3.5"}, Limit(0, Decimal("3.5"))),
])  # fmt: skip
def test_a_percentage_that_is_not_named_stays(given: dict[str, object], found: Limit) -> None:
    asked = PutAuthorityLimit.model_validate({"kind": "write_off", "role": "ar_clerk", **given})
    assert asked.in_place_of(Limit(1, Decimal(2))) == found
