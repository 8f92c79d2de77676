"""What deadlines and tokens do to a change, carried by hand: the desk, the trail and the events, without a clock or a process."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from models.access import Principal
from models.commands import KeptRefusal
from models.db.engine import transaction
from models.errors import Refusal
from models.messages.changes import ChangeState
from operations.approvals import tokens
from operations.approvals.deadlines import escalate, remind, signals_refused
from operations.approvals.execution import execute as execute_approved
from operations.approvals.state import state_of
from operations.customers.certificates import watch_certificates
from operations.runner import execute
from tests.customers.office import DESK, EVENTS, ByHand

SOON = {"remind_after_seconds": 60, "escalate_after_seconds": 120}


def dated(said: dict[str, Any]) -> dict[str, Any]:
    """With the moment that it names."""
    return said | {"due_at": datetime.fromisoformat(said["due_at"])}


@pytest.mark.parametrize(
    ("fallback", "role", "user"), [("cfo", "cfo", None), ("u_boss", None, "u_boss"), ("u_away", None, "u_boss")]
)
def test_a_deadline_is_told_once_on_one_desk_in_the_trail_and_to_the_world(
    by_hand: ByHand, fallback: str, role: str | None, user: str | None
) -> None:
    by_hand.policy({"operations": {"create": {"steps": [SOON | {"role": "ar_manager", "fallback": fallback},
                                                       {"role": "controller"}]}}})  # fmt: skip
    by_hand.away("u_away", "u_boss")
    change = by_hand.submitted()
    begun = by_hand.change(change)
    due = begun.chain.steps[0].due_at
    calls = [(1, 1), (1, 1), (2, 1), (1, 2)]
    assert [remind(by_hand.engine, by_hand.org, change, *of) for of in calls] == [True, False, False, False]
    assert by_hand.desk(change) == [("approval_overdue", "APPROVAL_DUE", "ar_manager", None, "open", None)]
    assert [escalate(by_hand.engine, by_hand.org, change, *of) for of in calls] == [True, False, False, False]
    assert remind(by_hand.engine, by_hand.org, change, 1, 1) is False
    assert by_hand.desk(change) == [
        ("approval_overdue", "APPROVAL_DUE", "ar_manager", None, "resolved", "ESCALATED"),
        ("approval_overdue", "APPROVAL_OVERDUE", role, user, "open", None),
    ]
    about = {"change_id": change, "customer_id": begun.customer_id, "step": 1, "role": "ar_manager"}
    assert [(r["due_at"], r["legal_entity_id"], r["detail"]) for r in by_hand.rows(DESK, change)] == [
        (due, "le_us", about)
    ] * 2
    (_, *said) = by_hand.trail(change)
    assert [(action, reason) for action, reason, _ in said] == [("reminded", None), ("escalated", "APPROVAL_OVERDUE")]
    assert said[0][2] == {"id": change, "round": 1, "step": 1, "role": "ar_manager", "delegated_to": None}
    assert dated(said[1][2]) == {"round": 1, "step": 1, "role": "ar_manager", "to": user or role, "due_at": due}
    events = [(e["type"], dated(e["data"])) for e in by_hand.rows(EVENTS, change)[1:]]
    assert events == [
        ("customer.change.reminded", about | {"owner_role": "ar_manager", "owner_user": None, "due_at": due}),
        ("customer.change.escalated", about | {"owner_role": role, "owner_user": user, "due_at": due}),
    ]
    step = by_hand.change(change).chain.steps[0]
    assert (step.reminded_at, step.escalated_at) != (None, None)
    by_hand.do("change.decide", "u_manager", change, decision="approve")
    assert [row[4:] for row in by_hand.desk(change)] == [("resolved", "ESCALATED"), ("resolved", "DECIDED")]


def test_a_reminder_goes_to_whoever_the_step_was_given_to_and_on_to_the_stand_in(by_hand: ByHand) -> None:
    change = by_hand.submitted()
    by_hand.do("change.delegate", "u_manager", change, step=1, to_user_id="u_deputy")
    by_hand.away("u_deputy", "u_third")
    assert remind(by_hand.engine, by_hand.org, change, 1, 1)
    assert by_hand.desk(change) == [("approval_overdue", "APPROVAL_DUE", None, "u_third", "open", None)]
    assert by_hand.trail(change)[-1][2]["delegated_to"] == "u_deputy"
    (event,) = [e["data"] for e in by_hand.rows(EVENTS, change) if e["type"].endswith("reminded")]
    assert (event["owner_role"], event["owner_user"]) == (None, "u_third")


def test_who_floods_a_process_with_signals_is_told_to_operators(by_hand: ByHand) -> None:
    change = by_hand.submitted()
    signals_refused(by_hand.engine, by_hand.org, change, 1_000)
    assert by_hand.desk(change) == [("signals_refused", "SIGNALS_REFUSED", "ops", None, "open", None)]
    customer = by_hand.change(change).customer_id
    assert by_hand.rows(DESK, change)[0]["detail"] == {"change_id": change, "customer_id": customer, "count": 1_000}
    assert by_hand.trail(change)[-1] == ("signals_ignored", "SIGNALS_REFUSED", {"refused": 1_000})


def by_token(by_hand: ByHand, change: str, word: object) -> KeptRefusal | None:
    return tokens.decide_by_token(by_hand.engine, by_hand.org, change, word, "signal")


def test_a_token_decides_its_step_as_its_person_and_once(by_hand: ByHand) -> None:
    change = by_hand.submitted()
    word = {"token": by_hand.token(change, "u_manager"), "decision": "approve", "comment": "by signal"}
    assert by_token(by_hand, change, word) is None
    said = by_hand.trail(change)[-1]
    assert (said[0], said[1]) == ("decided", None)
    told = {name: said[2][name] for name in ("round", "step", "role", "decision", "decided_by", "comment", "channel")}
    assert told == {"round": 1, "step": 1, "role": "ar_manager", "decision": "approve", "decided_by": "u_manager",
                    "comment": "by signal", "channel": "signal"}  # fmt: skip
    assert by_token(by_hand, change, word) == KeptRefusal(code="TOKEN_USED", detail="The token has been used.")
    assert by_hand.trail(change)[-1] == ("signal_refused", "TOKEN_USED", {"because": "TOKEN_USED", "channel": "signal"})
    reject = {"token": by_hand.token(change, "u_controller"), "decision": "reject", "reason_code": "DUPLICATE"}
    assert by_token(by_hand, change, reject) is None
    assert (by_hand.change(change).chain.status, by_hand.trail(change)[-1][1]) == ("REJECTED", "DUPLICATE")
    with transaction(by_hand.engine, by_hand.org) as tx:
        kept = tx.all("SELECT operation, path, resource_id, customer_id, workflow_id FROM commands WHERE org_id = :org "
                      "AND operation = 'change.decide' ORDER BY created_at")  # fmt: skip
    of = by_hand.change(change)
    assert [tuple(dict(r).values()) for r in kept] == [
        ("change.decide", f"/signals/{change}", change, of.customer_id, of.workflow_id)
    ] * 2


def test_what_proves_nobody_is_told_why_and_uses_up_what_it_showed(by_hand: ByHand) -> None:
    change, other = by_hand.submitted(), by_hand.submitted()
    shown, elsewhere = by_hand.token(change, "u_manager"), by_hand.token(other, "u_manager")
    approve = {"decision": "approve"}
    forged = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    for word, why in [
        (approve | {"token": forged}, "TOKEN_FORGED"),
        (approve | {"token": "apt_é.x"}, "TOKEN_FORGED"),
        (approve | {"token": elsewhere}, "TOKEN_OTHER_CHANGE"),
        ({"token": forged, "decision": "sign"}, "SIGNAL_MALFORMED"),
        ({"token": shown, "decision": "sign"}, "SIGNAL_MALFORMED"),
        ([shown], "SIGNAL_MALFORMED"),
    ]:
        refused = by_token(by_hand, change, word)
        assert refused is not None
        assert (refused.code, refused.detail) == (why, tokens._UNPROVED[why])
    for where, token in ((change, shown), (other, elsewhere)):
        refused = by_token(by_hand, where, approve | {"token": token})
        assert refused is not None
        assert refused.code == "TOKEN_USED"
    assert by_hand.change(change).chain.steps[0].decided_by is None


def test_a_token_lasts_an_hour(by_hand: ByHand, monkeypatch: pytest.MonkeyPatch) -> None:
    lasts = tokens.LIFETIME
    assert lasts == timedelta(hours=1)
    change = by_hand.submitted()
    monkeypatch.setattr(tokens, "LIFETIME", timedelta(0))
    refused = by_token(by_hand, change, {"token": by_hand.token(change, "u_manager"), "decision": "approve"})
    assert refused is not None
    assert refused.code == "TOKEN_EXPIRED"


def test_a_token_holds_what_its_person_still_has_and_uses_up_a_refusal(by_hand: ByHand) -> None:
    """Roles and legal entities that the person has been seen without since are lost."""
    change = by_hand.submitted()

    def issued(entities: frozenset[str] | None) -> str:
        with transaction(by_hand.engine, by_hand.org) as tx:
            who = Principal("u_manager", by_hand.org, frozenset({"ar_manager"}), entities)
            return tokens.issue(tx, who, change).token

    def seen(roles: str, entities: list[str] | None) -> None:
        with transaction(by_hand.engine, by_hand.org) as tx:
            tx.run("UPDATE people SET roles = :roles, entities = :entities WHERE org_id = :org AND user_id = 'u_manager'",
                   roles=[roles], entities=entities)  # fmt: skip

    for given, roles, entities, code in [
        (None, "ar_clerk", None, "FORBIDDEN"),
        (None, "ar_manager", ["le_uk"], "FORBIDDEN"),
        (frozenset({"le_us"}), "ar_manager", ["le_uk"], "FORBIDDEN"),
        (frozenset({"le_us", "le_uk"}), "ar_manager", ["le_uk", "le_us"], None),
    ]:
        word = {"token": issued(given), "decision": "approve"}
        seen(roles, entities)
        refused = by_token(by_hand, change, word)
        assert (refused and refused.code) == code, (given, roles, entities)
        refused = by_token(by_hand, change, word)
        assert refused is not None
        assert refused.code == "TOKEN_USED"
    with transaction(by_hand.engine, by_hand.org) as tx, pytest.raises(Refusal, match="FORBIDDEN"):
        tokens.issue(
            tx, Principal("u_controller", by_hand.org, frozenset({"controller"}), frozenset({"le_uk"})), change
        )
    assert execute_approved(by_hand.engine, by_hand.org, change) == []
    assert by_hand.change(change).chain.status == "PENDING_APPROVAL"


def test_a_process_is_told_where_its_change_stands_and_how_long_there_is(by_hand: ByHand) -> None:
    by_hand.policy({"operations": {"create": {"steps": [SOON | {"role": "ar_manager"}, {"role": "controller"}]}}})
    change = by_hand.submitted()
    of = by_hand.change(change)
    begun = of.chain.steps[0].started_at
    assert begun is not None
    west = timezone(timedelta(hours=-5))
    waits = ChangeState(
        known=True, status="PENDING_APPROVAL", operation="create", lane="yellow", customer_id=of.customer_id, round=1, step=1,
        role="ar_manager", since=begun.astimezone(UTC).isoformat(timespec="seconds"),
        due_at=(begun + timedelta(seconds=120)).astimezone(UTC).isoformat(timespec="seconds"), remind_in=50.0, escalate_in=110.0,
    )  # fmt: skip
    assert state_of(of, (begun + timedelta(seconds=10)).astimezone(west)) == waits
    assert state_of(of, begun + timedelta(seconds=300), replayed=True) == replace(
        waits, remind_in=0.0, escalate_in=0.0, replayed=True
    )
    remind(by_hand.engine, by_hand.org, change, 1, 1)
    after = state_of(by_hand.change(change), begun)
    assert (after.remind_in, after.escalate_in) == (None, 120.0)
    escalate(by_hand.engine, by_hand.org, change, 1, 1)
    after = state_of(by_hand.change(change), begun)
    assert (after.remind_in, after.escalate_in, after.due_at) == (None, None, waits.due_at)
    by_hand.do("change.decide", "u_manager", change, decision="return", reason_code="TYPO")
    back = state_of(by_hand.change(change), begun)
    assert (back.returned, back.complete, back.step, back.role, back.since, back.remind_in) == (
        True, False, 0, "", "", None,
    )  # fmt: skip


def test_an_erasure_closes_what_else_is_open_and_every_trail_says_why(by_hand: ByHand) -> None:
    gone, payer = by_hand.customer(), by_hand.customer()
    paying = by_hand.of("update", payer, patch={"pays_for": [{"action": "add", "customer_id": gone}]})
    by_hand.approve(paying)
    other = by_hand.of("update", gone, patch={"notes": "x"})
    erasure = by_hand.of("delete", gone, mode="hard", reason_code="TEST_RECORD")
    over = by_hand.approve(erasure, "u_manager", "u_controller", "u_cfo")
    assert over == [by_hand.change(other).workflow_id]
    assert by_hand.trail(other)[-1] == ("closed", "CUSTOMER_DELETED", {})
    action, reason, said = by_hand.trail(payer)[-1]
    assert (action, reason, said["change_id"], said["version"]) == ("customer.updated", "CUSTOMER_DELETED", erasure, 3)
    assert [entry.rpartition("/")[0] for entry in said["deleted"]] == ["/pays_for"]
    event = by_hand.rows(EVENTS, payer)[-1]
    assert (event["type"], event["data"]) == (
        "customer.updated", {"customer_id": payer, "change_id": erasure, "version": 3},
    )  # fmt: skip


def test_a_certificate_is_on_a_desk_before_its_end_after_it_and_until_it_is_renewed(by_hand: ByHand) -> None:
    """Thirty days ahead; its last day counts; of customers that are active."""

    def watch() -> int:
        with transaction(by_hand.engine, by_hand.org) as tx:
            return watch_certificates(tx)

    def ends_on(day: date) -> None:
        by_hand.run("UPDATE customer_tax_profiles SET certificate_expires_on = :day WHERE org_id = :org", day=day)

    today = datetime.now(UTC).date()
    ends = today + timedelta(days=31)
    profiles = [{"tax_code": "EXEMPT", "certificate_number": "C-1", "certificate_expires_on": ends.isoformat()}]
    customer = by_hand.customer(legal_entity_id="le_uk", tax_profiles=profiles)
    (profile,) = by_hand.rows(
        "SELECT id FROM customer_tax_profiles WHERE org_id = :org AND customer_id = :id", customer
    )
    assert (watch(), by_hand.desk(profile["id"])) == (0, [])
    ends_on(today)
    soon = ("tax_certificate", "CERTIFICATE_EXPIRING", "ar_manager", None)
    assert (watch(), watch(), by_hand.desk(profile["id"])) == (1, 1, [(*soon, "open", None)])
    (row,) = by_hand.rows(DESK, profile["id"])
    assert row["due_at"] == datetime.combine(today + timedelta(days=1), time(), UTC)
    assert (row["legal_entity_id"], row["detail"]) == (
        "le_uk", {"customer_id": customer, "tax_profile_id": profile["id"], "expires_on": today.isoformat()},
    )  # fmt: skip
    ends_on(today - timedelta(days=1))
    over = ("tax_certificate", "CERTIFICATE_EXPIRED", "ar_manager", None)
    assert (watch(), by_hand.desk(profile["id"])) == (
        1, [(*soon, "resolved", "CERTIFICATE_EXPIRED"), (*over, "open", None)],
    )  # fmt: skip
    ends_on(today + timedelta(days=400))
    assert (watch(), by_hand.desk(profile["id"])[-1]) == (0, (*over, "resolved", "CERTIFICATE_RENEWED"))
    ends_on(today + timedelta(days=30))
    assert (watch(), by_hand.desk(profile["id"])[-1]) == (1, (*soon, "open", None))


def test_an_absence_has_an_end_after_its_beginning_another_person_and_a_trail(by_hand: ByHand) -> None:
    def put(**body: object) -> None:
        execute(by_hand.engine, by_hand.org, by_hand.keep("out_of_office.put", "u_manager", body))

    away = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z", "delegate_user_id": "u_manager2"}
    wrong = [
        ({"ends_at": away["starts_at"]}, "/ends_at", "FIELD_RANGE", "ends_at lies before starts_at."),
        ({"delegate_user_id": "u_manager"}, "/delegate_user_id", "FIELD_INVALID", "Nobody stands in for himself."),
    ]
    for field, loc, code, detail in wrong:
        with pytest.raises(Refusal) as no:
            put(**away | field)
        assert (no.value.code, no.value.detail) == ("VALIDATION_FAILED", detail)
        assert [(e.loc, e.code, e.detail) for e in no.value.errors] == [(loc, code, detail)]
    put(**away)
    action, _, said = by_hand.trail(by_hand.org)[-1]
    assert (action, said["after"]["user_id"], said["after"]["delegate_user_id"]) == (
        "out_of_office.set", "u_manager", "u_manager2",
    )  # fmt: skip
    execute(by_hand.engine, by_hand.org, by_hand.keep("out_of_office.delete", "u_manager", {}))
    assert by_hand.trail(by_hand.org)[-1] == ("out_of_office.ended", None, {"user_id": "u_manager"})
    assert by_hand.rows("SELECT user_id FROM out_of_office WHERE org_id = :org AND user_id = :id", "u_manager") == []
