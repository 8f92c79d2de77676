"""What deadlines and tokens do to a change, carried by hand: the desk, the trail and the events, without a clock or a process."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models.access import Principal
from models.commands import KeptRefusal
from models.db.engine import make_engine, transaction
from models.errors import Refusal
from operations.approvals import tokens
from operations.approvals.deadlines import escalate, remind, signals_refused
from operations.approvals.execution import execute as execute_approved
from operations.organisations import create_organisation
from operations.runner import execute
from tests.customers.desk import fresh
from tests.customers.office import Office

DESK = """SELECT kind, reason_code, owner_role, owner_user, status, resolution_code, legal_entity_id, due_at, detail
  FROM exceptions WHERE org_id = :org AND subject_id = :id ORDER BY id"""
TRAIL = (
    "SELECT action, reason_code, actor, payload FROM audit_events WHERE org_id = :org AND subject_id = :id ORDER BY seq"
)
EVENTS = "SELECT type, data FROM outbox_events WHERE org_id = :org AND subject = :id ORDER BY seq"
SOON = {"remind_after_seconds": 60, "escalate_after_seconds": 120}


class ByHand(Office):
    """One whose changes no process carries."""

    def submitted(self) -> str:
        """A new change, waiting for its first step."""
        start = self.create()
        execute(self.engine, self.org, start.command_id)
        return start.change_id

    def do(self, operation: str, user: str, change: str, **body: object) -> None:
        execute(self.engine, self.org, self.act(operation, user, change, body).command_id)

    def away(self, user: str, stand_in: str) -> None:
        now = datetime.now(UTC)
        row = {"user_id": user, "delegate_user_id": stand_in, "starts_at": now - timedelta(days=1),
               "ends_at": now + timedelta(days=1), "updated_at": now}  # fmt: skip
        with transaction(self.engine, self.org) as tx:
            tx.insert("out_of_office", [row])

    def rows(self, sql: str, subject: str) -> list[dict[str, Any]]:
        with transaction(self.engine, self.org) as tx:
            return [dict(r) for r in tx.all(sql, id=subject)]

    def desk(self, change: str) -> list[tuple[Any, ...]]:
        names = ("kind", "reason_code", "owner_role", "owner_user", "status", "resolution_code")
        return [tuple(row[n] for n in names) for row in self.rows(DESK, change)]

    def trail(self, change: str) -> list[tuple[str, str | None, dict[str, Any]]]:
        found = self.rows(TRAIL, change)
        return [
            (r["action"].removeprefix("customer.change."), r["reason_code"], json.loads(r["payload"])) for r in found
        ]


@pytest.fixture(scope="module")
def engine(quiet_database_url: str) -> Iterator[Engine]:
    made = make_engine(quiet_database_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def office(engine: Engine, quiet_database_url: str) -> ByHand:
    made = ByHand(engine, f"org_{fresh('h')[:12]}")
    owner = make_engine(quiet_database_url, pool_size=1, role=None)
    with transaction(owner, made.org) as tx:
        create_organisation(tx, "By hand")
    owner.dispose()
    return made


def dated(said: dict[str, Any]) -> dict[str, Any]:
    """With the moment that it names."""
    return said | {"due_at": datetime.fromisoformat(said["due_at"])}


@pytest.mark.parametrize(
    ("fallback", "role", "user"), [("cfo", "cfo", None), ("u_boss", None, "u_boss"), ("u_away", None, "u_boss")]
)
def test_a_deadline_is_told_once_on_one_desk_in_the_trail_and_to_the_world(
    office: ByHand, fallback: str, role: str | None, user: str | None
) -> None:
    office.policy({"operations": {"create": {"steps": [SOON | {"role": "ar_manager", "fallback": fallback},
                                                       {"role": "controller"}]}}})  # fmt: skip
    office.away("u_away", "u_boss")
    change = office.submitted()
    begun = office.change(change)
    due = begun.chain.steps[0].due_at
    calls = [(1, 1), (1, 1), (2, 1), (1, 2)]
    assert [remind(office.engine, office.org, change, *of) for of in calls] == [True, False, False, False]
    assert office.desk(change) == [("approval_overdue", "APPROVAL_DUE", "ar_manager", None, "open", None)]
    assert [escalate(office.engine, office.org, change, *of) for of in calls] == [True, False, False, False]
    assert remind(office.engine, office.org, change, 1, 1) is False
    assert office.desk(change) == [
        ("approval_overdue", "APPROVAL_DUE", "ar_manager", None, "resolved", "ESCALATED"),
        ("approval_overdue", "APPROVAL_OVERDUE", role, user, "open", None),
    ]
    about = {"change_id": change, "customer_id": begun.customer_id, "step": 1, "role": "ar_manager"}
    assert [(r["due_at"], r["legal_entity_id"], r["detail"]) for r in office.rows(DESK, change)] == [
        (due, "le_us", about)
    ] * 2
    (_, *said) = office.trail(change)
    assert [(action, reason) for action, reason, _ in said] == [("reminded", None), ("escalated", "APPROVAL_OVERDUE")]
    assert said[0][2] == {"id": change, "round": 1, "step": 1, "role": "ar_manager", "delegated_to": None}
    assert dated(said[1][2]) == {"round": 1, "step": 1, "role": "ar_manager", "to": user or role, "due_at": due}
    events = [(e["type"], dated(e["data"])) for e in office.rows(EVENTS, change)[1:]]
    assert events == [
        ("customer.change.reminded", about | {"owner_role": "ar_manager", "owner_user": None, "due_at": due}),
        ("customer.change.escalated", about | {"owner_role": role, "owner_user": user, "due_at": due}),
    ]
    step = office.change(change).chain.steps[0]
    assert (step.reminded_at, step.escalated_at) != (None, None)
    office.do("change.decide", "u_manager", change, decision="approve")
    assert [row[4:] for row in office.desk(change)] == [("resolved", "ESCALATED"), ("resolved", "DECIDED")]


def test_a_reminder_goes_to_whoever_the_step_was_given_to_and_on_to_the_stand_in(office: ByHand) -> None:
    change = office.submitted()
    office.do("change.delegate", "u_manager", change, step=1, to_user_id="u_deputy")
    office.away("u_deputy", "u_third")
    assert remind(office.engine, office.org, change, 1, 1)
    assert office.desk(change) == [("approval_overdue", "APPROVAL_DUE", None, "u_third", "open", None)]
    assert office.trail(change)[-1][2]["delegated_to"] == "u_deputy"
    (event,) = [e["data"] for e in office.rows(EVENTS, change) if e["type"].endswith("reminded")]
    assert (event["owner_role"], event["owner_user"]) == (None, "u_third")


def test_who_floods_a_process_with_signals_is_told_to_operators(office: ByHand) -> None:
    change = office.submitted()
    signals_refused(office.engine, office.org, change, 1_000)
    assert office.desk(change) == [("signals_refused", "SIGNALS_REFUSED", "ops", None, "open", None)]
    customer = office.change(change).customer_id
    assert office.rows(DESK, change)[0]["detail"] == {"change_id": change, "customer_id": customer, "count": 1_000}
    assert office.trail(change)[-1] == ("signals_ignored", "SIGNALS_REFUSED", {"refused": 1_000})


def by_token(office: ByHand, change: str, word: object) -> KeptRefusal | None:
    return tokens.decide_by_token(office.engine, office.org, change, word, "signal")


def test_a_token_decides_its_step_as_its_person_and_once(office: ByHand) -> None:
    change = office.submitted()
    word = {"token": office.token(change, "u_manager"), "decision": "approve", "comment": "by signal"}
    assert by_token(office, change, word) is None
    said = office.trail(change)[-1]
    assert (said[0], said[1]) == ("decided", None)
    told = {name: said[2][name] for name in ("round", "step", "role", "decision", "decided_by", "comment", "channel")}
    assert told == {"round": 1, "step": 1, "role": "ar_manager", "decision": "approve", "decided_by": "u_manager",
                    "comment": "by signal", "channel": "signal"}  # fmt: skip
    assert by_token(office, change, word) == KeptRefusal(code="TOKEN_USED", detail="The token has been used.")
    assert office.trail(change)[-1] == ("signal_refused", "TOKEN_USED", {"because": "TOKEN_USED", "channel": "signal"})
    reject = {"token": office.token(change, "u_controller"), "decision": "reject", "reason_code": "DUPLICATE"}
    assert by_token(office, change, reject) is None
    assert (office.change(change).chain.status, office.trail(change)[-1][1]) == ("REJECTED", "DUPLICATE")
    with transaction(office.engine, office.org) as tx:
        kept = tx.all("SELECT operation, path, resource_id, customer_id, workflow_id FROM commands WHERE org_id = :org "
                      "AND operation = 'change.decide' ORDER BY created_at")  # fmt: skip
    of = office.change(change)
    assert [tuple(dict(r).values()) for r in kept] == [
        ("change.decide", f"/signals/{change}", change, of.customer_id, of.workflow_id)
    ] * 2


def test_what_proves_nobody_is_told_why_and_uses_up_what_it_showed(office: ByHand) -> None:
    change, other = office.submitted(), office.submitted()
    shown, elsewhere = office.token(change, "u_manager"), office.token(other, "u_manager")
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
        refused = by_token(office, change, word)
        assert refused is not None
        assert (refused.code, refused.detail) == (why, tokens._UNPROVED[why])
    for where, token in ((change, shown), (other, elsewhere)):
        refused = by_token(office, where, approve | {"token": token})
        assert refused is not None
        assert refused.code == "TOKEN_USED"
    assert office.change(change).chain.steps[0].decided_by is None


def test_a_token_lasts_an_hour(office: ByHand, monkeypatch: pytest.MonkeyPatch) -> None:
    lasts = tokens.LIFETIME
    assert lasts == timedelta(hours=1)
    change = office.submitted()
    monkeypatch.setattr(tokens, "LIFETIME", timedelta(0))
    refused = by_token(office, change, {"token": office.token(change, "u_manager"), "decision": "approve"})
    assert refused is not None
    assert refused.code == "TOKEN_EXPIRED"


def test_a_token_holds_what_its_person_still_has_and_uses_up_a_refusal(office: ByHand) -> None:
    """Roles and legal entities that the person has been seen without since are lost."""
    change = office.submitted()

    def issued(entities: frozenset[str] | None) -> str:
        with transaction(office.engine, office.org) as tx:
            who = Principal("u_manager", office.org, frozenset({"ar_manager"}), entities)
            return tokens.issue(tx, who, change).token

    def seen(roles: str, entities: list[str] | None) -> None:
        with transaction(office.engine, office.org) as tx:
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
        refused = by_token(office, change, word)
        assert (refused and refused.code) == code, (given, roles, entities)
        refused = by_token(office, change, word)
        assert refused is not None
        assert refused.code == "TOKEN_USED"
    with transaction(office.engine, office.org) as tx, pytest.raises(Refusal, match="FORBIDDEN"):
        tokens.issue(tx, Principal("u_controller", office.org, frozenset({"controller"}), frozenset({"le_uk"})), change)
    assert execute_approved(office.engine, office.org, change) == []
    assert office.change(change).chain.status == "PENDING_APPROVAL"
